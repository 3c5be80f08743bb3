"""How an error of a child travels to its parent. Apart from `calls`, which loads every decoder there is."""

from typing import Any

from penstock.domain import errors


def refusal(told: dict[str, Any]) -> errors.MediaError:
    """The error that a child told of."""
    kinds = {kind.__name__: kind for kind in errors.family() if kind is not errors.InvalidRequest}
    return kinds[told["name"]](told["message"], field=told["field"], detail=told["detail"])


def told_of(refusal: errors.MediaError) -> dict[str, Any]:
    """The error in words that JSON holds."""
    name, message = type(refusal).__name__, refusal.message
    return {"name": name, "message": message, "field": refusal.field, "detail": refusal.detail[-500:]}
