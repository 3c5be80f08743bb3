"""A request as the parameter of a flow run: the same description that HTTP reads by, as a form for people.

Whatever `read_request` takes passes the schema, `null` for an optional field included; most of what it refuses passes
too, so that the refusal is ours. What the schema itself refuses was never stored: an address that carries a secret."""

from typing import Annotated, Any

from pydantic_core import CoreSchema, core_schema

from penstock.domain.formats import SYNONYMS
from penstock.domain.request import SourceRequest, parse_request
from penstock.domain.secret_urls import (
    HIDDEN,
    SECRET_PATTERN,
    is_safe_to_show,
    require_no_secret,
    require_no_secret_anywhere,
)

_SHOWN = "parameters of a flow run are shown to everybody: send an address that carries a secret to the API instead"
# What the form asks for; how much or how long it may be is for `parse_request` to say.
_KEPT = ("title", "description", "position", "type", "enum")


class _Form:
    """Says nothing of a value, and describes it as a request."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return form_schema()


RequestForm = Annotated[Any, _Form()]


def form_schema() -> dict[str, Any]:
    """The JSON schema of the form. Prefect lets an optional field without a default be null."""
    described = SourceRequest.model_json_schema()
    return {
        "title": "Request",
        "type": "object",
        "description": described["description"],
        "properties": {name: _field(name, facts) for name, facts in described["properties"].items()},
        "required": described["required"],
    }


def parse_parameter(given: Any) -> SourceRequest:
    """The request that a flow run's parameter holds. Raises what `read_request` does, and `FieldInvalid` for an address
    that would be shown though it carries a secret."""
    request = given if isinstance(given, SourceRequest) else parse_request(given)
    if request.url is not None:
        require_no_secret(request.url)
    if request.webhook_url is not None:
        require_no_secret_anywhere(request.webhook_url, "webhook_url")
    return request


def redacted(given: Any) -> Any:
    """The same parameter with every text hidden that could open something."""
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
    field = {key: facts[key] for key in _KEPT if key in facts} | _choice(choices)
    if facts.get("default") is not None:
        field["description"] = " ".join((*filter(None, [facts.get("description")]), f"Default: {facts['default']}."))
    if "enum" in field:
        field["enum"] = [*field["enum"], *(SYNONYMS if name == "format" else ()), *_nothing(facts)]
    if name in ("url", "webhook_url"):
        # A refusal tells this whole, in the order of the keys' lengths and letters: the sentence comes first.
        field["not"] = {"because": _SHOWN, "type": "string", "pattern": SECRET_PATTERN}
    return field


def _choice(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """One type where there is one, or one list of words; else each of them, and nothing."""
    if all("enum" in each for each in choices):
        return {"type": "string", "enum": [word for each in choices for word in each["enum"]]}
    if len(choices) == 1:
        return {"type": choices[0]["type"]}
    kinds = [{"type": each["type"], **_only(each)} for each in choices]
    return {"anyOf": [*kinds, {"type": "null"}]}


def _only(choice: dict[str, Any]) -> dict[str, Any]:
    """A constant as a list of one word: forms show a true one as nothing that could be chosen."""
    return {"enum": [choice["const"]]} if "const" in choice else {}


def _nothing(facts: dict[str, Any]) -> list[None]:
    return [None] if "default" in facts else []
