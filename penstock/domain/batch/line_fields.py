"""The fields of a line, as they came, over the defaults of its batch."""

import math
from collections.abc import Mapping
from typing import Any

from penstock.domain.formats import kind_named

_INPUTS = ("url", "file_id")


def merged_fields(defaults: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields over the defaults. An input of the line replaces that of the defaults, whichever field names it."""
    if any(fields.get(name) is not None for name in _INPUTS):
        defaults = {name: value for name, value in defaults.items() if name not in _INPUTS}
    return with_kind({**defaults, **fields})


def with_kind(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with the kind that the format implies, if none is given."""
    named = fields.get("format")
    kind = kind_named(named) if isinstance(named, str) else None
    return {**fields, "kind": kind} if kind and fields.get("kind") is None else dict(fields)


def storable_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as PostgreSQL can store them. What it cannot store is no valid value of any field, and what takes its
    place is none either."""
    return {storable_text(name): _storable(value) for name, value in fields.items()}


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable_text(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict() | list():
            return []
        case _:
            return value


def storable_text(text: str) -> str:
    """The text with a space for each NUL, and `?` for each lone surrogate."""
    return text.replace("\0", " ").encode(errors="replace").decode()
