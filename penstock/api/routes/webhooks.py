"""`/webhooks`: the endpoints of a project that are called when tasks and batches end."""

from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.bodies.json_body import read_json_body
from penstock.api.bodies.webhook_body import WebhookBody, parse_webhook
from penstock.api.context import context_of, require_caller
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.examples import WEBHOOK_REQUESTS
from penstock.api.pagination import PlainParameters, page_of
from penstock.domain.webhooks import Webhook
from penstock.views.webhooks import WebhookView, webhook_view

router = APIRouter(tags=["webhooks"])

WEBHOOK_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[WebhookView]}}
WEBHOOK_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[WebhookView]}}
_EXAMPLES = {name: {"summary": name, "value": body} for name, body in WEBHOOK_REQUESTS.items()}
WEBHOOK_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": WebhookBody.model_json_schema(), "examples": _EXAMPLES}},
    }
}


@router.post("/webhooks", responses=WEBHOOK_RESPONSE, openapi_extra=WEBHOOK_BODY, summary="Add a webhook")
async def create_webhook(request: Request) -> Response:
    """Adds an endpoint. The same address again changes its `types`, and enables it if it was disabled."""
    context, project_id = context_of(request), require_caller(request).project_id
    body = parse_webhook(await read_json_body(request, context.services.settings.max_body_bytes), context.allowed)
    add = partial(context.services.records.webhooks.add, project_id, body.url, body.types)
    return _webhook_response(request, await to_thread.run_sync(add))


@router.get("/webhooks", responses=WEBHOOK_LIST_RESPONSE, summary="List webhooks")
async def list_webhooks(request: Request, parameters: PlainParameters) -> Response:
    webhooks, project_id = context_of(request).services.records.webhooks, require_caller(request).project_id
    listing = await to_thread.run_sync(webhooks.page, project_id, page_of(parameters))
    return list_response(request, listing, [webhook_view(webhook) for webhook in listing.items])


@router.get("/webhooks/{webhook_id}", responses=WEBHOOK_RESPONSE, summary="Read a webhook")
async def read_webhook(request: Request, webhook_id: str) -> Response:
    webhooks, project_id = context_of(request).services.records.webhooks, require_caller(request).project_id
    return _webhook_response(request, await to_thread.run_sync(webhooks.get, project_id, webhook_id))


@router.delete("/webhooks/{webhook_id}", responses=WEBHOOK_RESPONSE, summary="Delete a webhook")
async def delete_webhook(request: Request, webhook_id: str) -> Response:
    """Nothing more is sent to it, not even what is waiting."""
    webhooks, project_id = context_of(request).services.records.webhooks, require_caller(request).project_id
    return _webhook_response(request, await to_thread.run_sync(webhooks.delete, project_id, webhook_id))


def _webhook_response(request: Request, webhook: Webhook) -> Response:
    return object_response(request, webhook_view(webhook), f"/webhooks/{webhook.id}", "/webhooks")
