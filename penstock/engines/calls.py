"""The fixed table of functions that a child may be asked for. Importing this loads all that they need."""

import dataclasses
from collections.abc import Callable
from typing import Any

from penstock.domain import errors
from penstock.engines import examine, moments, pictures, pictures_keeping, rereading, sketch
from penstock.engines.job import Call
from penstock.engines.refusals import told_of

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
        return {"refusal": told_of(refusal)}
    except MemoryError:
        return {"refusal": told_of(errors.ResourceLimit("The input needs more memory than one conversion may have."))}


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
