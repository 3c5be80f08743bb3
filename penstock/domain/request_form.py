"""A request as the parameter of a flow run: its JSON schema, which Prefect shows as a form.

It is a request of the API, and more: files in folders and prefixes, and a destination. The schema allows everything
that `parse_parameter` accepts, including `null` for an optional field, and most of what it rejects, so that the error
message is ours. Prefect stores parameters in clear: the schema itself rejects URLs that carry a secret, so that they
are never stored."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic_core import CoreSchema, core_schema

from penstock.domain import errors
from penstock.domain.batch.addresses import normalized_address, scheme_of
from penstock.domain.batch.lines import LineRequest
from penstock.domain.formats import SYNONYMS, kind_named
from penstock.domain.request import SourceRequest, parse_request, parse_request_as
from penstock.domain.secret_urls import (
    HIDDEN,
    SECRET_PATTERN,
    is_safe_to_show,
    require_no_secret,
    require_no_secret_anywhere,
)

_SHOWN_IN_CLEAR = (
    "Prefect shows the parameters of a flow run in clear: send a URL that carries a secret to the API instead"
)
WEB = ("http", "https")
_ADDRESSES = ("url", "destination", "webhook_url")
# The schema keys that the form needs; `parse_parameter` checks ranges and lengths.
_SENTENCES = {
    "url": "http(s) URL of the input, or its address within PENSTOCK_BATCH_ROOTS, such as s3://bucket/film.mov",
    "destination": "address of the output within PENSTOCK_BATCH_ROOTS; left out, it is stored by the service",
    "kind": "kind of the output; left out, the format decides",
    "file_id": "id of an uploaded or converted file, in place of a URL",
}
_FORM_KEYS = ("title", "type", "enum")
_OVERWRITE = {"title": "Overwrite", "type": "boolean", "default": False, "description": "replace a file at destination"}


class _Form:
    """Validates nothing; its JSON schema is the form."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return form_schema()


RequestForm = Annotated[Any, _Form()]


def form_schema() -> dict[str, Any]:
    """The JSON schema of the form. In Prefect's forms an optional field without a default may be null."""
    described = SourceRequest.model_json_schema()
    placed = {"destination": LineRequest.model_json_schema()["properties"]["destination"], "overwrite": _OVERWRITE}
    fields = {**described["properties"], **placed}
    return {
        "title": "Request",
        "type": "object",
        "description": described["description"],
        "properties": {
            name: _field(name, facts) | {"position": place} for place, (name, facts) in enumerate(fields.items())
        },
        "required": ["format"],
    }


def parse_parameter(given: Any) -> SourceRequest:
    """The request in a flow run's parameter: a `LineRequest` where its input or its output lies in a folder or prefix.
    Raises as `parse_request`, `UrlForbidden`, and `FieldInvalid` for a URL with a secret."""
    if isinstance(given, SourceRequest):
        given = given.model_dump(mode="json", exclude_defaults=True)
    if isinstance(given, Mapping):
        _require_no_secrets(given)
    values = _with_kind(given)
    if not isinstance(values, Mapping) or not _is_located(values):
        return parse_request(values)
    return parse_request_as(LineRequest, _located(values))


def _require_no_secrets(given: Mapping[str, Any]) -> None:
    for name in ("url", "destination"):
        if isinstance(given.get(name), str):
            require_no_secret(given[name], name)
    if isinstance(given.get("webhook_url"), str):
        require_no_secret_anywhere(given["webhook_url"], "webhook_url")


def _is_located(values: Mapping[str, Any]) -> bool:
    has_output = values.get("destination") is not None or values.get("overwrite") is not None
    return has_output or _is_in_location(values.get("url"))


def _is_in_location(url: Any) -> bool:
    """An absolute path, or an address that is none of the web."""
    return isinstance(url, str) and (url.startswith("/") or scheme_of(url) not in (None, *WEB))


def _located(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the `LineRequest`: addresses in one form, so that two of one file are one request."""
    overwrite, destination = values.get("overwrite"), values.get("destination")
    if overwrite is not None and not isinstance(overwrite, bool):
        raise errors.FieldInvalid("overwrite must be true or false.", field="overwrite")
    if overwrite and destination is None:
        raise errors.FieldInvalid("overwrite needs a destination.", field="overwrite")
    fields = {name: value for name, value in values.items() if name != "overwrite"}
    if overwrite is not None:
        fields["replaces"] = overwrite
    if isinstance(destination, str):
        fields["destination"] = _normalized_destination(destination)
    if _is_in_location(values.get("url")):
        fields["url"] = normalized_address(values["url"])
    return fields


def _normalized_destination(destination: str) -> str:
    if not _is_in_location(destination):
        raise errors.UrlForbidden(
            "destination must be an absolute path or an address like s3://bucket/name.webp.", field="destination"
        )
    if destination.endswith("/"):
        raise errors.FieldInvalid("destination must end with the name of the output.", field="destination")
    return normalized_address(destination)


def _with_kind(given: Any) -> Any:
    """A request whose kind was left out: the format implies it."""
    if not isinstance(given, dict) or given.get("kind") is not None:
        return given
    kind = kind_named(str(given.get("format")))
    return {**given, "kind": kind} if kind else given


def redacted(given: Any) -> Any:
    """The parameter with every text replaced that may be a secret."""
    match given:
        case dict():
            return {name: redacted(value) for name, value in given.items()}
        case list():
            return [redacted(value) for value in given]
        case SourceRequest():
            return redacted(given.model_dump(mode="json", exclude_defaults=True))
        case str():
            return given if is_safe_to_show(given) else HIDDEN
        case _:
            return given


def _field(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    choices = [each for each in facts.get("anyOf", [facts]) if each.get("type") != "null"]
    field = {key: facts[key] for key in _FORM_KEYS if key in facts} | _field_type(choices)
    field["description"] = _sentence(name, facts)
    if "enum" in field:
        field["enum"] = [*field["enum"], *(SYNONYMS if name == "format" else ()), *_null(facts)]
    if name in _ADDRESSES:
        # Prefect prints this object in its error, keys sorted by length and name: the sentence comes first.
        field["not"] = {"because": _SHOWN_IN_CLEAR, "type": "string", "pattern": SECRET_PATTERN}
    return field


def _sentence(name: str, facts: dict[str, Any]) -> str:
    text = _SENTENCES.get(name) or facts.get("description", name)
    # As a sentence: a field with `default` in its schema may not be null.
    default = f" Default: {facts['default']}." if facts.get("default") is not None else ""
    return f"{text[0].upper()}{text[1:]}.{default}"


def _field_type(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The type of a field: one type, one list of words, or any of several types and null."""
    if all("enum" in each for each in choices):
        return {"type": "string", "enum": [word for each in choices for word in each["enum"]]}
    if len(choices) == 1:
        return {"type": choices[0]["type"]}
    kinds = [{"type": each["type"], **_constant(each)} for each in choices]
    return {"anyOf": [*kinds, {"type": "null"}]}


def _constant(choice: dict[str, Any]) -> dict[str, Any]:
    """A constant as an enum of one word: Prefect's forms do not offer a `const`."""
    return {"enum": [choice["const"]]} if "const" in choice else {}


def _null(facts: dict[str, Any]) -> list[None]:
    return [None] if "default" in facts else []
