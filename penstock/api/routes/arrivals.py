"""`/events/s3`: notifications of buckets."""

from functools import lru_cache, partial
from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from penstock.api.api_keys import rate_limit_key
from penstock.api.bodies.json_body import parse_json, read_bytes, read_json_body
from penstock.api.context import Context, caller_of, client_address, context_of
from penstock.api.envelope import Envelope, object_response
from penstock.arrivals.accepting import accept_arrivals
from penstock.arrivals.notifications import arrived_objects
from penstock.arrivals.rules import Rule
from penstock.arrivals.sns import SnsMessage, verified_message
from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.storage.download import download_bytes
from penstock.storage.http_source import FetchPolicy

router = APIRouter(tags=["events"])

MAX_BODY_BYTES = 2**20  # of 1,000 records; SNS and EventBridge send at most 256 KiB
MAX_CERTIFICATE_BYTES = 2**16
NO_TOPIC = "No rule of the operator names this topic."


class ArrivalView(BaseModel):
    """What is converted once no other notification has come for a few seconds."""

    object: Literal["arrival"] = "arrival"
    objects: int = Field(description="created objects that a rule converts; outputs and deletions are not counted")


ARRIVAL_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[ArrivalView]}}
NOTIFICATION_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.post(
    "/events/s3",
    responses=ARRIVAL_RESPONSE,
    openapi_extra=NOTIFICATION_BODY,
    summary="Tell what has arrived in a bucket",
)
async def receive_notification(request: Request) -> Response:
    """Takes notifications of MinIO, Amazon S3, EventBridge and R2 with an API key, and messages of SNS by their
    signature. A burst of them becomes one batch, by a rule of the operator."""
    context, caller = context_of(request), caller_of(request)
    if caller is None:
        count = await _accept_sns(request, context)
    else:
        body = await read_json_body(request, MAX_BODY_BYTES)
        count = await to_thread.run_sync(_accept, context, body, caller.project_id)
    return object_response(request, ArrivalView(objects=count), "/events/s3", None)


def _accept(context: Context, body: Any, project_id: ProjectId) -> int:
    return _note(context, body, [rule for rule in context.rules if _owner(context, rule) == project_id])


def _owner(context: Context, rule: Rule) -> ProjectId | None:
    """The project of a rule; None if there is none of this name."""
    keys = context.services.records.keys
    try:
        return keys.find_project(rule.project) if rule.project else keys.default_project()
    except errors.NotFound:
        return None


async def _accept_sns(request: Request, context: Context) -> int:
    """Only messages that are refused count for the limit: SNS sends all from a few addresses."""
    rates, address = context.invalid_link_rates, rate_limit_key(client_address(request))
    if seconds := rates.seconds_left(address):
        raise errors.RateLimited(f"Too many requests; try again in {seconds} s.", retry_after_seconds=seconds)
    try:
        body = parse_json(await read_bytes(request, MAX_BODY_BYTES))  # SNS sends it as text/plain
        return await to_thread.run_sync(_accept_message, context, body)
    except (errors.RequestError, errors.InputError):
        rates.take(address)
        raise


def _accept_message(context: Context, body: Any) -> int:
    policy = context.services.fetch_policy
    message = verified_message(body, partial(_certificate, policy))
    rules = [rule for rule in context.rules if rule.topic == message.topic]
    if not rules:
        raise errors.UrlForbidden(NO_TOPIC)
    return _confirm(message, policy) if message.confirm_url else _note(context, message.content, rules)


def _confirm(message: SnsMessage, policy: FetchPolicy) -> int:
    download_bytes(message.confirm_url or "", policy, MAX_CERTIFICATE_BYTES)
    return 0


def _note(context: Context, body: Any, rules: list[Rule]) -> int:
    services = context.services
    return accept_arrivals(arrived_objects(body), rules, services.records, services.settings.s3_endpoint_url)


@lru_cache(maxsize=8)
def _certificate(policy: FetchPolicy, url: str) -> bytes:
    """The certificate at an address, which names its version."""
    return download_bytes(url, policy, MAX_CERTIFICATE_BYTES)
