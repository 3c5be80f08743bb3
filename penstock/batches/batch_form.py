"""A batch as the parameter of a flow run: its JSON schema, which Prefect shows as a form, and its parser.

The fields of the requests stand beside those of the batch, so that a schedule is five plain lines."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import ValidationError
from pydantic_core import CoreSchema, core_schema

from penstock.domain import errors
from penstock.domain.batch.addresses import scheme_of
from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.domain.request import SourceRequest
from penstock.domain.secret_urls import is_safe_to_show

_SPEC_FIELDS = ("source", "destination", "manifest", "glob", "output_name", "on_conflict", "min_age_seconds", "name",
                "result_manifest")  # fmt: skip
_RUN_FIELDS = ("plan", "limit", "max_hours", "only")
REQUEST_FIELDS = tuple(name for name in SourceRequest.model_fields if name not in ("url", "file_id"))
FIELDS = (*_SPEC_FIELDS, *_RUN_FIELDS, *REQUEST_FIELDS)

_DESCRIPTIONS = {
    "max_hours": {"type": "number", "description": "start no line after so many hours"},
}


class _Form:
    """Validates nothing; its JSON schema is the form."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return form_schema()


BatchForm = Annotated[Any, _Form()]


def form_schema() -> dict[str, Any]:
    """The JSON schema of the form."""
    described: dict[str, Any] = {
        **SourceRequest.model_json_schema()["properties"],
        **RunOptions.model_json_schema()["properties"],
        **BatchSpec.model_json_schema()["properties"],
        **_DESCRIPTIONS,
    }
    shown = {name: _shown(described[name]) | {"position": place} for place, name in enumerate(FIELDS)}
    return {"title": "Batch", "type": "object", "description": _doc(), "properties": shown, "required": ["format"]}


def parse_form(given: Any) -> tuple[BatchSpec, RunOptions]:
    """Spec and options. Raises `BodyInvalid` for anything but an object, `FieldUnknown`, `FieldInvalid`."""
    if not isinstance(given, Mapping):
        raise errors.BodyInvalid("The batch must be an object with source, destination and format.")
    values = {name: value for name, value in given.items() if value is not None}
    for name in values:
        if name not in FIELDS:
            raise errors.FieldUnknown(_unknown(str(name)[:64]), field=str(name)[:64])
    _require_source(values)
    return parse_spec(_chosen(values, _SPEC_FIELDS) | {"defaults": _chosen(values, REQUEST_FIELDS)}), parse_options(
        values
    )


def parse_spec(values: Mapping[str, Any]) -> BatchSpec:
    """Raises `FieldInvalid` for the first wrong field."""
    try:
        return BatchSpec.model_validate(values)
    except ValidationError as invalid:
        raise _invalid(invalid) from invalid


def parse_options(values: Mapping[str, Any]) -> RunOptions:
    """Raises `FieldInvalid` for the first wrong field."""
    options = _chosen(values, ("plan", "limit", "only", "not_after"))
    if "max_hours" in values:
        options["not_after"] = datetime.now(UTC) + timedelta(hours=_hours(values["max_hours"]))
    try:
        return RunOptions.model_validate(options)
    except ValidationError as invalid:
        raise _invalid(invalid) from invalid


def _require_source(values: Mapping[str, Any]) -> None:
    if ("source" in values) == ("manifest" in values):
        raise errors.FieldRequired("Name one of source and manifest.", field="source")
    for name in ("source", "destination", "manifest", "result_manifest"):
        address = str(values.get(name, ""))
        if scheme_of(address) not in (None, "file") and not is_safe_to_show(address):
            raise errors.FieldInvalid(f"{name} seems to hold a secret, and Prefect shows it in clear.", field=name)


def _hours(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 8760:
        raise errors.FieldInvalid("max_hours must be a number of hours above 0.", field="max_hours")
    return float(value)


def _chosen(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _invalid(invalid: ValidationError) -> errors.FieldInvalid:
    first = invalid.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "batch"
    return errors.FieldInvalid(f"{name} is not valid: {first['msg']}.", field=name)


def _unknown(name: str) -> str:
    similar = get_close_matches(name, FIELDS, 1)
    return f"{name} is not a field of a batch" + (f"; did you mean {similar[0]}?" if similar else ".")


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    """One type for each field: Prefect's form shows a union as tabs without names."""
    choices = [each for each in facts.get("anyOf", [facts]) if each.get("type") != "null"]
    kept = {key: facts[key] for key in ("title", "description", "default") if facts.get(key) is not None}
    if all("enum" in each for each in choices):
        return kept | {"type": "string", "enum": [word for each in choices for word in each["enum"]]}
    return kept | {"type": choices[0].get("type", "string")}


def _doc() -> str:
    return "Where the inputs are, where the outputs go, and what they become. Fields left empty have their defaults."
