"""The fixed table of functions that a child may be asked for. Importing this loads all that they need."""

import dataclasses
from collections.abc import Callable
from typing import Any

from penstock.domain import errors
from penstock.engines import examine, moments, pictures, pictures_keeping, rereading, sketch
from penstock.engines.job import Call

TABLE: dict[str, Callable[..., Any]] = {
    "examine": examine.examine,
    "glance": examine.glance,
    "keep": pictures_keeping.keep,
    "moment": moments.moment,
    "picture": pictures.facts,
    "render": pictures.render,
    "reread": rereading.reread,
    "reread_picture": rereading.reread_picture,
    "sketch": sketch.sketch,
}


def answer(call: Call) -> dict[str, Any]:
    """What the function returned, or the refusal that it raised, ready for JSON."""
    try:
        return {"value": _plain(TABLE[call.function](*call.arguments))}
    except errors.MediaError as refusal:
        return {"refusal": _told(refusal)}
    except MemoryError:
        return {"refusal": _told(errors.ResourceLimit("The input needs more memory than one conversion may have."))}


def refusal(told: dict[str, Any]) -> errors.MediaError:
    """The error that a child told of."""
    kinds = {kind.__name__: kind for kind in errors.family() if kind is not errors.InvalidRequest}
    return kinds[told["name"]](told["message"], field=told["field"], detail=told["detail"])


def _told(refusal: errors.MediaError) -> dict[str, Any]:
    name, message = type(refusal).__name__, refusal.message
    return {"name": name, "message": message, "field": refusal.field, "detail": refusal.detail[-500:]}


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
