"""The delivery logs of tasks and batches, and sending again."""

from collections.abc import Callable
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.context import context_of, require_caller
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.pagination import PlainParameters, page_of
from penstock.domain.ids import ProjectId
from penstock.domain.pagination import Listing, ListQuery
from penstock.domain.webhooks import Delivery
from penstock.views.webhooks import DeliveryView, delivery_view

router = APIRouter(tags=["webhooks"])

DELIVERY_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[DeliveryView]}}
DELIVERY_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[DeliveryView]}}


@router.get("/tasks/{task_id}/deliveries", responses=DELIVERY_LIST_RESPONSE, summary="List deliveries of a task")
async def list_task_deliveries(request: Request, task_id: str, parameters: PlainParameters) -> Response:
    """Who was called when the task ended, and with what result."""
    tasks = context_of(request).services.records.tasks
    return await _list(request, lambda project_id: tasks.get(project_id, task_id).id, page_of(parameters))


@router.get("/batches/{batch_id}/deliveries", responses=DELIVERY_LIST_RESPONSE, summary="List deliveries of a batch")
async def list_batch_deliveries(request: Request, batch_id: str, parameters: PlainParameters) -> Response:
    """Who was called when the batch ended, and with what result."""
    batches = context_of(request).services.records.batches
    return await _list(request, lambda project_id: batches.get(project_id, batch_id).id, page_of(parameters))


@router.post(
    "/tasks/{task_id}/deliveries/{delivery_id}/replay",
    responses=DELIVERY_RESPONSE,
    summary="Send a task's message again",
)
async def replay_task_delivery(request: Request, task_id: str, delivery_id: str) -> Response:
    """Sends it at once, with the same `webhook-id`."""
    return await _replay(request, f"/tasks/{task_id}", task_id, delivery_id)


@router.post(
    "/batches/{batch_id}/deliveries/{delivery_id}/replay",
    responses=DELIVERY_RESPONSE,
    summary="Send a batch's message again",
)
async def replay_batch_delivery(request: Request, batch_id: str, delivery_id: str) -> Response:
    """Sends it at once, with the same `webhook-id`."""
    return await _replay(request, f"/batches/{batch_id}", batch_id, delivery_id)


async def _list(request: Request, find: Callable[[ProjectId], str], query: ListQuery) -> Response:
    records, project_id = context_of(request).services.records, require_caller(request).project_id

    def page() -> Listing[Delivery]:
        return records.deliveries.page(find(project_id), query)

    listing = await to_thread.run_sync(page)
    return list_response(request, listing, [delivery_view(delivery) for delivery in listing.items])


async def _replay(request: Request, parent: str, subject: str, delivery_id: str) -> Response:
    records, project_id = context_of(request).services.records, require_caller(request).project_id
    delivery = await to_thread.run_sync(records.deliveries.replay, project_id, subject, delivery_id)
    path = f"{parent}/deliveries"
    return object_response(request, delivery_view(delivery), f"{path}/{delivery.id}/replay", path)
