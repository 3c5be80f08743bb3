"""What a caller asks for. `SourceRequest` cannot hold a contradiction; `parse_request` names every one of a body."""

import hashlib
import json
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from penstock.domain import errors
from penstock.domain.formats import FORMATS, KINDS, SYNONYMS, Format, Kind, formats_of

Fit = Literal["contain", "cover", "fill", "pad"]


def _canonical_format(value: Any) -> Any:
    return SYNONYMS.get(value, value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


def _whole_number(value: Any) -> Any:
    if isinstance(_number(value), float) and not value.is_integer():
        raise ValueError("must be a whole number of pixels")
    return int(value)


def _moment(value: Any) -> Any:
    return value if value == "auto" else _number(value)


def _canonical_file(value: Any) -> Any:
    return canonical_file_id(value) if isinstance(value, str) else value


Pixels = Annotated[int, BeforeValidator(_whole_number), Field(ge=1, le=2**31 - 1)]
Address = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x20\x7f]+$")]
Seconds = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]


def _in_order(schema: dict[str, Any]) -> None:
    """Forms made from the schema show the fields in our order."""
    for position, field in enumerate(schema["properties"].values()):
        field["position"] = position


class SourceRequest(BaseModel):
    """One conversion: an input, a kind, a format and how. Defaults are filled in; sizes are pixels, times seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=_in_order)

    url: Address | None = Field(None, description="http(s) address of the input")
    file_id: Annotated[str, BeforeValidator(_canonical_file)] | None = Field(
        None, pattern=r"^file_[a-z0-9]{8,64}$", description="a file of ours; med_… names the same as file_…"
    )
    kind: Kind
    format: Annotated[Format, BeforeValidator(_canonical_format)]
    width: Pixels | None = None
    height: Pixels | None = None
    fit: Fit = "contain"
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    on_upscale: Literal["refuse", "clamp"] = "refuse"
    quality: Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, allow_inf_nan=False)] = 0.8
    start: Seconds | None = None
    end: Seconds | None = None
    at: Annotated[Seconds | Literal["auto"], BeforeValidator(_moment)] = "auto"
    webhook_url: Address | None = None
    fresh: bool = False

    @model_validator(mode="after")
    def _holds_no_contradiction(self) -> Self:
        if found := _contradictions(self.model_dump(exclude_defaults=True)):
            raise ValueError(found[0].message)
        return self

    @property
    def input(self) -> str:
        """The input as the caller named it."""
        return self.url or self.file_id or ""

    def fingerprint(self) -> str:
        """What makes two requests of one project the same: sha256 over all that shapes the output."""
        shape = self.model_dump(exclude={"webhook_url", "fresh"})
        shape["background"] = self.background.lower()
        shape["start"] = self.start or None
        return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def canonical_file_id(file_id: str) -> str:
    """`med_…` names the same object as `file_…`."""
    return "file_" + file_id.removeprefix("med_") if file_id.startswith("med_") else file_id


def parse_request(body: Any) -> SourceRequest:
    """The request that a JSON body holds.

    Raises `BodyInvalid` for what is no object, `InvalidRequest` with every violation otherwise.
    """
    if not isinstance(body, dict):
        raise errors.BodyInvalid("The body must be a JSON object.")
    given = {name: value for name, value in body.items() if value is not None or name not in SourceRequest.model_fields}
    try:
        return SourceRequest.model_validate(given)
    except ValidationError as refused:
        raise errors.InvalidRequest(_violations(given, refused)) from refused


def _violations(given: dict[str, Any], refused: ValidationError) -> tuple[errors.RequestError, ...]:
    """All that is wrong: each field by itself, then what the sound ones get wrong together."""
    fields = _field_violations(given, refused)
    broken = {violation.field for violation in fields}
    sound = {name: value for name, value in given.items() if name not in broken or name in ("url", "file_id")}
    return (*fields, *(found for found in _contradictions(sound) if _is_news(found, broken)))


def _is_news(found: errors.RequestError, broken: set[str | None]) -> bool:
    return found.field not in broken or isinstance(found, errors.InputAmbiguous)


def _field_violations(given: dict[str, Any], refused: ValidationError) -> list[errors.RequestError]:
    found = {str(error["loc"][0]): error for error in reversed(refused.errors()) if error["loc"]}
    choice = _choice(given.get("kind"))
    return [_violation(name, error["type"], choice) for name, error in reversed(found.items())]


def _unknown(name: str) -> str:
    near = get_close_matches(name, SourceRequest.model_fields, 1)
    return f"{name} is not a field of this request" + (f"; did you mean {near[0]}?" if near else ".")


def _choice(kind: Any) -> str:
    """The formats of a kind; all of them where it is none."""
    return ", ".join(formats_of(kind) if kind in KINDS else FORMATS)


def _violation(name: str, kind: str, formats: str) -> errors.RequestError:
    if kind == "missing":
        return errors.FieldRequired(f"{name} is required.", field=name)
    if kind == "extra_forbidden":
        return errors.FieldUnknown(_unknown(name[:64]), field=name[:64])
    if name == "format":
        return errors.FormatUnsupported(f"format must be one of {formats}.", field=name)
    return errors.FieldInvalid(f"{name} {_SAYINGS[name]}.", field=name)


_SAYINGS = {
    "url": "must be an http(s) address of at most 2,048 characters",
    "file_id": "must be an id like file_… or med_…",
    "kind": "must be video, audio or image",
    "width": "must be a whole number of pixels, at least 1",
    "height": "must be a whole number of pixels, at least 1",
    "fit": "must be contain, cover, fill or pad",
    "background": "must be a colour like #ffffff",
    "on_upscale": "must be refuse or clamp",
    "quality": "must be a number from 0 to 1",
    "start": "must be seconds, a number of at least 0",
    "end": "must be seconds, a number of at least 0",
    "at": 'must be seconds, a number of at least 0, or "auto"',
    "webhook_url": "must be an http(s) address of at most 2,048 characters",
    "fresh": "must be true or false",
}

_MEANINGLESS: dict[str, frozenset[str]] = {
    "audio": frozenset(("width", "height", "fit", "background", "on_upscale", "at")),
    "video": frozenset(("at",)),
    "image": frozenset(),
}


# A gif of a video moves, so it has no one moment; a jpeg and a png are one moment, so they have no length.
_MEANINGLESS_TO_FORMAT: dict[Any, frozenset[str]] = {
    "jpeg": frozenset(("start", "end")),
    "png": frozenset(("start", "end")),
    "gif": frozenset(("at",)),
}


def _contradictions(given: dict[str, Any]) -> list[errors.RequestError]:
    """What fields that are sound one by one get wrong together; `given` holds those that were sent."""
    return [*_input_trouble(given), *_format_trouble(given), *_meaningless_fields(given), *_time_trouble(given)]


def _input_trouble(given: dict[str, Any]) -> list[errors.RequestError]:
    url, file_id = given.get("url"), given.get("file_id")
    if url is not None and file_id is not None:
        return [errors.InputAmbiguous("Send url or file_id, not both.", field="url")]
    if url is None and file_id is None:
        return [errors.FieldRequired("url or file_id is required.", field="url")]
    return []


def _format_trouble(given: dict[str, Any]) -> list[errors.RequestError]:
    kind, name = given.get("kind"), _canonical_format(given.get("format"))
    if kind is None or name is None or FORMATS[name].kind == kind:
        return []
    return [errors.FormatUnsupported(f"{name} is not a format of kind {kind}; use {_choice(kind)}.", field="format")]


def _meaningless_fields(given: dict[str, Any]) -> list[errors.RequestError]:
    idle = set(_MEANINGLESS.get(given.get("kind", ""), frozenset()))
    idle |= _MEANINGLESS_TO_FORMAT.get(_canonical_format(given.get("format")), frozenset())
    return [
        errors.FieldInvalid(f"{name} does not apply to {_output(given)}; remove it.", field=name)
        for name in given
        if name in idle
    ]


def _output(given: dict[str, Any]) -> str:
    """What a request asks for, as far as it is known."""
    words = {"audio": "audio", "video": "video", "image": "an image"}
    return _canonical_format(given.get("format")) or words.get(given.get("kind", ""), "this request")


def _time_trouble(given: dict[str, Any]) -> list[errors.RequestError]:
    start, end = given.get("start"), given.get("end")
    if end is not None and end <= (start or 0):
        return [errors.FieldInvalid(f"end ({end:g} s) must be after start ({start or 0:g} s).", field="end")]
    return []
