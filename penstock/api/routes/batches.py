"""`/batches`: many requests as one batch: submit, read, list, pause, cancel and run again."""

from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from penstock.api.bodies.json_body import parse_json, read_json_bytes
from penstock.api.context import Context, context_of, require_caller, view_builder
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.examples import BATCH_REQUESTS
from penstock.api.pagination import BatchParameters, ItemParameters, page_of
from penstock.batches.batch_body import BatchBody, RerunBody, parse_body, parse_rerun
from penstock.batches.batch_facts import facts_of
from penstock.batches.listing import require_manifest
from penstock.domain import errors
from penstock.domain.batch.batch import Batch, BatchItem, BatchOrder
from penstock.domain.ids import ProjectId
from penstock.domain.pagination import Listing
from penstock.records import Records
from penstock.views.batches import BatchFacts, BatchItemView, BatchView, batch_view, item_view

router = APIRouter(tags=["batches"])

BATCH_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[BatchView]}}
BATCH_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[BatchView]}}
ITEM_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[BatchItemView]}}
_EXAMPLES = {name: {"summary": name, "value": body} for name, body in BATCH_REQUESTS.items()}
# The bodies are parsed by our code, so that every violation is reported; these are their descriptions in OpenAPI.
BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": BatchBody.model_json_schema(), "examples": _EXAMPLES}},
    }
}
RERUN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": RerunBody.model_json_schema(), "example": {"only": "failed"}}},
    }
}


@router.post("/batches", responses=BATCH_RESPONSE, openapi_extra=BATCH_BODY, summary="Convert many files")
async def create_batch(request: Request) -> Response:
    """Submits a batch. The same body again returns the same Batch while it runs; afterwards it runs again, and converts
    only what is missing, changed or failed."""
    context, caller = context_of(request), require_caller(request)
    body = await read_json_bytes(request, context.services.settings.max_batch_body_bytes)
    facts = await to_thread.run_sync(_submit, context, caller.project_id, body, limiter=context.threads.submissions)
    return _batch_response(request, facts)


@router.get("/batches", responses=BATCH_LIST_RESPONSE, summary="List batches")
async def list_batches(request: Request, parameters: BatchParameters) -> Response:
    records, project_id = context_of(request).services.records, require_caller(request).project_id
    read = partial(records.batches.page, project_id, page_of(parameters), parameters.status)
    listing, facts = await to_thread.run_sync(_page_facts, records, read)
    shown = view_builder(request)
    return list_response(request, listing, [batch_view(one, shown) for one in facts])


@router.get("/batches/{batch_id}", responses=BATCH_RESPONSE, summary="Read a batch")
async def read_batch(request: Request, batch_id: str) -> Response:
    """How many lines have which status, the bytes, and how long it takes."""
    records, project_id = context_of(request).services.records, require_caller(request).project_id
    return await _changed(request, partial(records.batches.get, project_id, batch_id))


@router.get("/batches/{batch_id}/items", responses=ITEM_LIST_RESPONSE, summary="List the lines of a batch")
async def list_items(request: Request, batch_id: str, parameters: ItemParameters) -> Response:
    """What became of each line."""
    records, project_id = context_of(request).services.records, require_caller(request).project_id
    listing = await to_thread.run_sync(_items, records, project_id, batch_id, parameters)
    return list_response(request, listing, [item_view(item) for item in listing.items])


@router.post("/batches/{batch_id}/cancel", responses=BATCH_RESPONSE, summary="Cancel a batch")
async def cancel_batch(request: Request, batch_id: str) -> Response:
    """What runs stops, what waits never starts. The batch is `cancelled` once its lines have ended."""
    context, project_id = context_of(request), require_caller(request).project_id
    facts = await to_thread.run_sync(
        _changed_facts, context.services.records, partial(context.services.records.batches.cancel, project_id, batch_id)
    )
    response = _batch_response(request, facts)
    batch = facts.batch
    if batch.run_id and batch.status == "cancelled":  # a run that has begun stops itself
        response.background = BackgroundTask(context.runs.end_unstarted, batch.run_id)
    return response


@router.post("/batches/{batch_id}/pause", responses=BATCH_RESPONSE, summary="Pause a batch")
async def pause_batch(request: Request, batch_id: str) -> Response:
    """Starts no new lines; those that run end."""
    records, project_id = context_of(request).services.records, require_caller(request).project_id
    return await _changed(request, partial(records.batches.pause, project_id, batch_id, paused=True))


@router.post("/batches/{batch_id}/resume", responses=BATCH_RESPONSE, summary="Resume a batch")
async def resume_batch(request: Request, batch_id: str) -> Response:
    """Goes on with a paused batch."""
    records, project_id = context_of(request).services.records, require_caller(request).project_id
    return await _changed(request, partial(records.batches.pause, project_id, batch_id, paused=False))


@router.post(
    "/batches/{batch_id}/rerun", responses=BATCH_RESPONSE, openapi_extra=RERUN_BODY, summary="Run a batch again"
)
async def rerun_batch(request: Request, batch_id: str) -> Response:
    """Runs the lines that failed or were cancelled, or `all`. The batch must have ended."""
    context, project_id = context_of(request), require_caller(request).project_id
    body = await read_json_bytes(request, context.services.settings.max_body_bytes)
    only = parse_rerun(parse_json(body) if body else {})
    return await _changed(request, partial(context.services.records.batches.rerun, project_id, batch_id, only))


async def _changed(request: Request, change: Callable[[], Batch]) -> Response:
    records = context_of(request).services.records
    return _batch_response(request, await to_thread.run_sync(_changed_facts, records, change))


def _batch_response(request: Request, facts: BatchFacts) -> Response:
    view = batch_view(facts, view_builder(request))
    return object_response(request, view, f"/batches/{view.id}", "/batches")


def _submit(context: Context, project_id: ProjectId, body: bytes) -> BatchFacts:
    records = context.services.records
    order = parse_body(parse_json(body), context.allowed)
    _require_manifest(records, project_id, order)
    return facts_of(records, [records.batches.submit(project_id, order)])[0]


def _require_manifest(records: Records, project_id: ProjectId, order: BatchOrder) -> None:
    """Raise `FileNotFound` or `FieldInvalid` if the batch names no manifest of the project."""
    if order.spec.manifest is None:
        return
    try:
        require_manifest(records.files.get(project_id, order.spec.manifest))
    except errors.FileNotFound as error:
        raise errors.FileNotFound(error.message, field="manifest") from error


def _changed_facts(records: Records, change: Callable[[], Batch]) -> BatchFacts:
    return facts_of(records, [change()])[0]


def _page_facts(records: Records, read: Callable[[], Listing[Batch]]) -> tuple[Listing[Batch], list[BatchFacts]]:
    listing = read()
    return listing, facts_of(records, listing.items)


def _items(records: Records, project_id: ProjectId, batch_id: str, parameters: ItemParameters) -> Listing[BatchItem]:
    batch = records.batches.get(project_id, batch_id)
    return records.batch_items.page(batch.id, page_of(parameters), parameters.status, parameters.code)
