"""What callers may ask for (docs/api.md), and the bodies of requests."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from penstock.domain.formats import FORMATS, Format, Kind, kind_named
from penstock.errors import FormatUnsupported

RequestedFormat = Format | Literal["jpg"]


class ConversionOptions(TypedDict, total=False):
    """The optional fields of a request. A field that a newer service has is sent as it is."""

    kind: Kind
    width: int | None
    height: int | None
    fit: Literal["contain", "cover", "fill", "pad"] | None
    background: str | None
    on_upscale: Literal["refuse", "clamp"] | None
    quality: float | None
    start: float | None
    end: float | None
    at: float | Literal["auto"] | None
    webhook_url: str | None
    fresh: bool


class RequestFields(ConversionOptions, total=False):
    """A request: exactly one of `url` and `file_id`, a format, and options."""

    url: str
    file_id: str
    format: RequestedFormat


class BatchFields(TypedDict, total=False):
    """A batch: exactly one of `items` and `manifest` (the id of an uploaded one), and `defaults` of its lines."""

    items: Sequence[RequestFields]
    manifest: str
    defaults: RequestFields
    name: str
    plan: bool
    not_after: str
    webhook_url: str


def body_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request. `kind` is implied by the format; raises `FormatUnsupported` where it is not known."""
    if "kind" in fields or "format" not in fields:
        return dict(fields)
    kind = kind_named(str(fields["format"]))
    if kind is None:
        raise FormatUnsupported(
            f"{fields['format']} is none of the formats {', '.join(FORMATS)}; else give its kind.",
            field="format",
        )
    return dict(fields) | {"kind": kind}


def given(**fields: object) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
