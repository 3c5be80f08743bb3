"""A conversion request: `SourceRequest` is always valid; `parse_request` reports every violation of a JSON body."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from penstock.domain import errors
from penstock.domain.formats import FORMATS, KINDS, SYNONYMS, Fit, Format, Kind, formats_of


def _canonical_format(value: Any) -> Any:
    return SYNONYMS.get(value, value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value or 0  # -0.0 means 0, and is written as it in the fingerprint


def _whole_number(value: Any) -> Any:
    if isinstance(_number(value), float) and not value.is_integer():
        raise ValueError("must be a whole number of pixels")
    return int(value)


def _seconds_or_auto(value: Any) -> Any:
    return value if value == "auto" else _number(value)


def _canonical_file(value: Any) -> Any:
    return canonical_file_id(value) if isinstance(value, str) else value


MAX_PIXELS = 2**31 - 1
Pixels = Annotated[int, BeforeValidator(_whole_number), Field(ge=1, le=MAX_PIXELS)]
Url = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^[^\x00-\x20\x7f]+$")]
Seconds = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]


def _number_fields(schema: dict[str, Any]) -> None:
    """Number the fields, so that Prefect's forms show them in this order."""
    for position, field in enumerate(schema["properties"].values()):
        field["position"] = position


_PIXELS_RULE = f"must be a whole number of pixels from 1 to {MAX_PIXELS:,}"
_FIELD_RULES = {
    "url": "must be an http(s) address of at most 2,048 characters",
    "file_id": "must be an id like file_… or med_…",
    "kind": "must be video, audio or image",
    "width": _PIXELS_RULE,
    "height": _PIXELS_RULE,
    "fit": "must be contain, cover, fill or pad",
    "background": "must be a color like #ffffff",
    "on_upscale": "must be refuse or clamp",
    "quality": "must be a number from 0 to 1",
    "start": "must be seconds, a number of at least 0",
    "end": "must be seconds, a number of at least 0",
    "at": 'must be seconds, a number of at least 0, or "auto"',
    "webhook_url": "must be an http(s) address of at most 2,048 characters",
    "fresh": "must be true or false",
}


class SourceRequest(BaseModel):
    """One conversion: the input, the output's kind and format, and options. Sizes are in pixels, times in seconds."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, json_schema_extra=_number_fields
    )

    url: Url | None = Field(None, description="public http(s) URL of the input; send it or file_id")
    file_id: Annotated[str, BeforeValidator(_canonical_file)] | None = Field(
        None,
        pattern=r"^file_[a-z0-9]{8,64}$",
        description="an uploaded or converted file; med_… means the same as file_…",
    )
    kind: Kind = Field(description="kind of the output")
    format: Annotated[Format, BeforeValidator(_canonical_format)] = Field(description="format of the output")
    width: Pixels | None = Field(None, description="pixels; without height the aspect ratio is kept")
    height: Pixels | None = Field(None, description="pixels; without width the aspect ratio is kept")
    fit: Fit = Field("contain", description="how the image fits a box of width and height")
    background: str = Field(
        "#ffffff", pattern=r"^#[0-9a-fA-F]{6}$", description="color of bars and behind flattened transparency"
    )
    on_upscale: Literal["refuse", "clamp"] = Field(
        "refuse", description="reject sizes that upscale, or clamp to the largest that does not"
    )
    quality: Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.8, description="0 to 1; looks alike in every format"
    )
    start: Seconds | None = Field(None, description="seconds of the input to skip")
    end: Seconds | None = Field(None, description="second of the input to stop at")
    at: Annotated[Seconds | Literal["auto"], BeforeValidator(_seconds_or_auto)] = Field(
        "auto", description="second of the frame that becomes a still image"
    )
    webhook_url: Url | None = Field(None, description="called when the task ends; docs/webhooks.md")
    fresh: bool = Field(default=False, description="convert again although the same request is completed")

    # What each field must be, as the end of a sentence.
    field_rules: ClassVar[Mapping[str, str]] = _FIELD_RULES

    @model_validator(mode="after")
    def _require_consistent(self) -> Self:
        if found := _contradictions(self.model_dump(exclude_defaults=True)):
            raise ValueError(found[0].message)
        return self

    @property
    def input(self) -> str:
        """The input as the caller named it."""
        return self.url or self.file_id or ""

    def fingerprint(self) -> str:
        """The sha256 of everything that determines the output. Equal fingerprints of one project are one Task."""
        return hashlib.sha256(json.dumps(self._options(), sort_keys=True).encode()).hexdigest()

    def _options(self) -> dict[str, Any]:
        """The fields that determine the output, in one form for each meaning."""
        options = self.model_dump(exclude={"webhook_url", "fresh"})
        return options | {"background": self.background.lower(), "start": self.start or None}


Request = TypeVar("Request", bound=SourceRequest)


def canonical_file_id(file_id: str) -> str:
    """The id with `file_` in place of its synonym `med_`."""
    return "file_" + file_id.removeprefix("med_") if file_id.startswith("med_") else file_id


def parse_request(body: Any) -> SourceRequest:
    """The request in a decoded JSON body.

    Raises `BodyInvalid` for anything but an object, and `InvalidRequest` with every violation.
    """
    return parse_request_as(SourceRequest, body)


def parse_request_as(model: type[Request], body: Any) -> Request:
    """The request in a decoded JSON body, of this class.

    Raises `BodyInvalid` for anything but an object, and `InvalidRequest` with every violation.
    """
    if not isinstance(body, dict):
        raise errors.BodyInvalid("The body must be a JSON object.")
    given = {name: value for name, value in body.items() if value is not None or name not in model.model_fields}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise errors.InvalidRequest(_violations(given, error, model)) from error


def _violations(
    given: dict[str, Any], error: ValidationError, model: type[SourceRequest]
) -> tuple[errors.RequestError, ...]:
    """The violations of single fields, then those of combinations of valid fields."""
    fields = _field_violations(given, error, model)
    invalid = {violation.field for violation in fields}
    valid = {name: value for name, value in given.items() if name not in invalid or name in ("url", "file_id")}
    return (*fields, *(found for found in _contradictions(valid) if _is_new(found, invalid)))


def _is_new(found: errors.RequestError, invalid: set[str | None]) -> bool:
    return found.field not in invalid or isinstance(found, errors.InputAmbiguous)


def _field_violations(
    given: dict[str, Any], error: ValidationError, model: type[SourceRequest]
) -> list[errors.RequestError]:
    first = {str(one["loc"][0]): one for one in reversed(error.errors()) if one["loc"]}
    formats = _format_list(given.get("kind"))
    return [_violation(name, one["type"], formats, model) for name, one in reversed(first.items())]


def unknown_field_message(name: str, known: Iterable[str]) -> str:
    """The message for a field that is none of the known ones, with the most similar of them."""
    similar = get_close_matches(name, list(known), 1)
    return f"{name} is not a field of this request" + (f"; did you mean {similar[0]}?" if similar else ".")


def _format_list(kind: Any) -> str:
    """The formats of a kind, comma-separated; all formats if the kind is unknown."""
    return ", ".join(formats_of(kind) if kind in KINDS else FORMATS)


def _violation(name: str, error_type: str, formats: str, model: type[SourceRequest]) -> errors.RequestError:
    if error_type == "missing":
        return errors.FieldRequired(f"{name} is required.", field=name)
    if error_type == "extra_forbidden":
        return errors.FieldUnknown(unknown_field_message(name[:64], model.model_fields), field=name[:64])
    if name == "format":
        return errors.FormatUnsupported(f"format must be one of {formats}.", field=name)
    return errors.FieldInvalid(f"{name} {model.field_rules[name]}.", field=name)


_UNUSED_BY_KIND: dict[str, frozenset[str]] = {
    "audio": frozenset(("width", "height", "fit", "background", "on_upscale", "at")),
    "video": frozenset(("at",)),
    "image": frozenset(),
}

# A gif of a video is animated, so `at` does not apply; jpeg and png are single frames, so `start` and `end` do not.
_UNUSED_BY_FORMAT: dict[Any, frozenset[str]] = {
    "jpeg": frozenset(("start", "end")),
    "png": frozenset(("start", "end")),
    "gif": frozenset(("at",)),
}


def _contradictions(given: dict[str, Any]) -> list[errors.RequestError]:
    """The violations of combinations of fields that are valid one by one; `given` holds those that were sent."""
    return [*_input_violations(given), *_format_violations(given), *_unused_fields(given), *_time_violations(given)]


def _input_violations(given: dict[str, Any]) -> list[errors.RequestError]:
    url, file_id = given.get("url"), given.get("file_id")
    if url is not None and file_id is not None:
        return [errors.InputAmbiguous("Send url or file_id, not both.", field="url")]
    if url is None and file_id is None:
        return [errors.FieldRequired("url or file_id is required.", field="url")]
    return []


def _format_violations(given: dict[str, Any]) -> list[errors.RequestError]:
    kind, name = given.get("kind"), _canonical_format(given.get("format"))
    if kind is None or name is None or FORMATS[name].kind == kind:
        return []
    return [
        errors.FormatUnsupported(f"{name} is not a format of kind {kind}; use {_format_list(kind)}.", field="format")
    ]


def _unused_fields(given: dict[str, Any]) -> list[errors.RequestError]:
    unused = set(_UNUSED_BY_KIND.get(given.get("kind", ""), frozenset()))
    unused |= _UNUSED_BY_FORMAT.get(_canonical_format(given.get("format")), frozenset())
    return [
        errors.FieldInvalid(f"{name} does not apply to {_output_name(given)}; remove it.", field=name)
        for name in given
        if name in unused
    ]


def _output_name(given: dict[str, Any]) -> str:
    """The requested output in words, as far as it is given."""
    kinds = {"audio": "audio", "video": "video", "image": "an image"}
    return _canonical_format(given.get("format")) or kinds.get(given.get("kind", ""), "this request")


def _time_violations(given: dict[str, Any]) -> list[errors.RequestError]:
    start, end = given.get("start"), given.get("end")
    if end is not None and end <= (start or 0):
        return [errors.FieldInvalid(f"end ({end:g} s) must be after start ({start or 0:g} s).", field="end")]
    return []
