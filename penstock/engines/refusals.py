"""How an error of a child travels to its parent (`answers` reads it). Apart from `calls`, which loads every decoder."""

from typing import Any

from penstock.domain import errors


def told_of(refusal: errors.MediaError) -> dict[str, Any]:
    """The error in words that JSON holds."""
    return {"name": type(refusal).__name__, "message": refusal.message, "detail": refusal.detail[-500:]}
