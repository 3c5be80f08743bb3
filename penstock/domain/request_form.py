"""A request as the parameter of a flow run: its JSON schema, which Prefect shows as a form.

The schema allows everything that `parse_request` accepts, including `null` for an optional field, and most of what it
rejects, so that the error message is ours. Prefect stores parameters in clear: the schema itself rejects URLs that
carry a secret, so that they are never stored."""

from typing import Annotated, Any

from pydantic_core import CoreSchema, core_schema

from penstock.domain.formats import SYNONYMS, kind_named
from penstock.domain.request import SourceRequest, parse_request
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
# The schema keys that the form needs; `parse_request` checks ranges and lengths.
_SENTENCES = {
    "kind": "kind of the output; left out, the format decides",
    "file_id": "id of an uploaded or converted file, in place of a URL",
}
_FORM_KEYS = ("title", "position", "type", "enum")


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
    return {
        "title": "Request",
        "type": "object",
        "description": described["description"],
        "properties": {name: _field(name, facts) for name, facts in described["properties"].items()},
        "required": ["format"],
    }


def parse_parameter(given: Any) -> SourceRequest:
    """The request in a flow run's parameter. Raises as `parse_request`, and `FieldInvalid` for a URL with a secret."""
    request = given if isinstance(given, SourceRequest) else parse_request(_with_kind(given))
    if request.url is not None:
        require_no_secret(request.url)
    if request.webhook_url is not None:
        require_no_secret_anywhere(request.webhook_url, "webhook_url")
    return request


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
    if name in ("url", "webhook_url"):
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
