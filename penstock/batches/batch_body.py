"""The body of `POST /batches`: its violations, and the batch that it orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from penstock.domain import errors
from penstock.domain.batch.batch import BatchItem, BatchOrder
from penstock.domain.batch.line_fields import merged_fields, storable_fields, with_kind
from penstock.domain.batch.spec import MAX_API_LINES, BatchSpec, Name, RunOptions, lines_digest
from penstock.domain.described_body import DescribedBody, field_violations, given_fields
from penstock.domain.public_request import forbidden_urls, parse_public_request
from penstock.domain.request import SourceRequest, Url, canonical_file_id
from penstock.domain.secret_urls import is_safe_to_show
from penstock.domain.web_addresses import MAX_URL_CHARACTERS, AllowedAddresses


def _file_id(value: Any) -> Any:
    return canonical_file_id(value) if isinstance(value, str) else value


def _time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


_REQUEST = SourceRequest.model_json_schema()
_LINE = {"type": "object", "properties": _REQUEST["properties"], "description": "a request, as of POST /tasks"}
Items = Annotated[list[Any], WithJsonSchema({"type": "array", "items": _LINE, "maxItems": MAX_API_LINES})]


class BatchBody(DescribedBody):
    """Many requests as one batch: `items`, or the lines of an uploaded manifest."""

    name: Name | None = Field(None, description="what people call the batch; Prefect shows it")
    items: Items | None = Field(
        None, min_length=1, max_length=MAX_API_LINES, description="requests; send them or manifest"
    )
    manifest: Annotated[str, BeforeValidator(_file_id)] | None = Field(
        None, pattern=r"^file_[a-z0-9]{8,64}$", description="an uploaded manifest, CSV or JSON lines"
    )
    defaults: Annotated[dict[str, Any], WithJsonSchema(_LINE)] = Field(
        default_factory=dict, description="fields of every request that does not have them"
    )
    plan: bool = Field(default=False, description="convert nothing: say what would be done, and what it costs")
    webhook_url: Url | None = Field(None, description="called when the batch ends; docs/webhooks.md")
    not_after: Annotated[AwareDatetime, BeforeValidator(_time)] | None = Field(
        None, description="start no line after this time; the rest stays queued for the next run"
    )

    # What each field must be, as the end of a sentence.
    field_rules: ClassVar[Mapping[str, str]] = {
        "name": "must be text of 1 to 100 characters, without line ends",
        "items": f"must be a list of 1 to {MAX_API_LINES:,} requests; send more as a manifest",
        "manifest": "must be the id of an uploaded manifest, like file_…",
        "defaults": "must be an object with fields of requests",
        "plan": "must be true or false",
        "webhook_url": SourceRequest.field_rules["webhook_url"],
        "not_after": "must be a time with its zone, like 2026-01-31T06:00:00Z",
    }


class RerunBody(DescribedBody):
    """Which lines of an ended batch run again: those that failed or were cancelled, or all."""

    only: Literal["failed", "all"] = "failed"

    field_rules: ClassVar[Mapping[str, str]] = {"only": "must be failed or all"}


def parse_rerun(body: Any) -> Literal["failed", "all"]:
    """Which lines run again. Raises `BodyInvalid`, and `InvalidRequest` with every violation."""
    given = given_fields(body, RerunBody)
    if found := field_violations(given, RerunBody):
        raise errors.InvalidRequest(tuple(found))
    return RerunBody.model_validate(given).only


def parse_body(body: Any, allowed: AllowedAddresses) -> BatchOrder:
    """The batch in a decoded JSON body. What is wrong in one item is the failure of its line.

    Raises `BodyInvalid` for anything but an object, and `InvalidRequest` with every violation."""
    given = given_fields(body, BatchBody)
    found = field_violations(given, BatchBody)
    invalid = {violation.field for violation in found}
    found += [one for one in _combined_violations(given, allowed) if one.field not in invalid]
    if found:
        raise errors.InvalidRequest(tuple(found))
    return _order_of(BatchBody.model_validate(given))


def _combined_violations(given: dict[str, Any], allowed: AllowedAddresses) -> list[errors.RequestError]:
    webhook = {name: given[name] for name in ("webhook_url",) if name in given}
    return [
        *_input_violations(given),
        *_name_violations(given.get("name")),
        *_default_violations(given.get("defaults"), allowed),
        *forbidden_urls(webhook, allowed),
    ]


def _input_violations(given: dict[str, Any]) -> list[errors.RequestError]:
    if "items" in given and "manifest" in given:
        return [errors.InputAmbiguous("Send items or manifest, not both.", field="items")]
    if "items" not in given and "manifest" not in given:
        return [errors.FieldRequired("items or manifest is required.", field="items")]
    return []


def _name_violations(name: Any) -> list[errors.RequestError]:
    if isinstance(name, str) and "://" in name and not is_safe_to_show(name):
        return [errors.FieldInvalid("name seems to hold a secret, and Prefect shows it in clear.", field="name")]
    return []


def _default_violations(defaults: Any, allowed: AllowedAddresses) -> list[errors.RequestError]:
    """What every line would fail with. A field that is missing may be in the lines."""
    if not isinstance(defaults, dict):
        return []
    named = {name: value for name, value in defaults.items() if value is not None or name not in _REQUEST["properties"]}
    has_input = "url" in named or "file_id" in named
    try:
        parse_public_request(with_kind(named if has_input else {"url": "https://example.com/", **named}), allowed)
    except errors.InvalidRequest as invalid:
        found = [one for one in invalid.violations if not isinstance(one, errors.FieldRequired)]
        return [type(one)(one.message, field=f"defaults.{one.field}", detail=one.detail) for one in found]
    return []


def _order_of(body: BatchBody) -> BatchOrder:
    spec = BatchSpec(
        name=body.name,
        manifest=body.manifest,
        lines_digest=lines_digest(body.items) if body.items else None,
        defaults=body.defaults,
    )
    options = RunOptions(plan=body.plan, not_after=body.not_after, webhook_url=body.webhook_url)
    return BatchOrder(spec, options, lines=_lines_of(body.items or [], body.defaults))


def _lines_of(items: Sequence[Any], defaults: Mapping[str, Any]) -> list[BatchItem]:
    return [_line_of(number, item, defaults) for number, item in enumerate(items, start=1)]


def _line_of(number: int, item: Any, defaults: Mapping[str, Any]) -> BatchItem:
    """The fields are kept as they are: the batch's run finds what is wrong in them."""
    if not isinstance(item, dict):
        return BatchItem(number, f"item {number}")
    fields = storable_fields(item)
    merged = merged_fields(defaults, fields)
    named = next((merged[name] for name in ("url", "file_id") if isinstance(merged.get(name), str)), "")
    return BatchItem(number, named[:MAX_URL_CHARACTERS] or f"item {number}", fields=fields)
