"""`/tasks`: submit, read, list and cancel conversions; `/tasks/{id}/receipt`: the signed receipt."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.background import BackgroundTask

from penstock.api.context import context_of, require_caller, view_builder
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.pagination import PageParameters, list_query
from penstock.api.task_requests import CONVERSION_BODY, post_request, task_response
from penstock.domain.api_keys import Caller
from penstock.domain.task import Task
from penstock.records import Records
from penstock.views.receipts import SignedReceiptView, signed_receipt
from penstock.views.tasks import TaskView

router = APIRouter(tags=["tasks"])

TASK_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[TaskView]}}
RECEIPT_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[SignedReceiptView]}}
TASK_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[TaskView]}}


@router.post("/tasks", responses=TASK_RESPONSE, openapi_extra=CONVERSION_BODY, summary="Convert")
async def create_task(request: Request) -> Response:
    """Submits a conversion. The same request again returns the same Task."""
    return await post_request(request)


@router.get("/tasks", responses=TASK_LIST_RESPONSE, summary="List tasks")
async def list_tasks(request: Request, parameters: PageParameters) -> Response:
    tasks = context_of(request).services.records.tasks
    listing = await to_thread.run_sync(tasks.page, require_caller(request).project_id, list_query(parameters))
    shown = view_builder(request)
    return list_response(request, listing, [shown.task_view(task) for task in listing.items])


@router.get("/tasks/{task_id}", responses=TASK_RESPONSE, summary="Read a task")
async def read_task(request: Request, task_id: str, wait: Annotated[float, Query(ge=0, le=60)] = 0) -> Response:
    """Responds at once; with `wait` as soon as the task ends, at the latest after that many seconds."""
    context, caller = context_of(request), require_caller(request)

    async def read() -> Task:
        return await to_thread.run_sync(context.services.records.tasks.get, caller.project_id, task_id)

    task = await read()
    if wait and task.status == "processing":
        task = await context.long_polls.wait_for_end(task, read, wait)
    return task_response(request, task)


@router.post("/tasks/{task_id}/cancel", responses=TASK_RESPONSE, summary="Cancel a task")
async def cancel_task(request: Request, task_id: str) -> Response:
    """Stops the conversion. The task is `cancelled` once its encoder has ended."""
    context, caller = context_of(request), require_caller(request)
    task = await to_thread.run_sync(context.services.records.tasks.cancel, caller.project_id, task_id)
    response = task_response(request, task)
    if task.run_id and task.chunk_id is None:  # the run of a chunk goes on with its other lines
        stop = context.runs.end_unstarted if task.status == "cancelled" else context.runs.cancel
        response.background = BackgroundTask(stop, task.run_id)
    return response


@router.get("/tasks/{task_id}/receipt", responses=RECEIPT_RESPONSE, summary="Read a receipt")
async def read_receipt(request: Request, task_id: str) -> Response:
    """How the output of a completed task was made and verified, signed with the project's receipt key."""
    records, caller = context_of(request).services.records, require_caller(request)
    view = await to_thread.run_sync(_signed_receipt, records, caller, task_id)
    path = f"/tasks/{view.task}"
    return object_response(request, view, f"{path}/receipt", path)


def _signed_receipt(records: Records, caller: Caller, task_id: str) -> SignedReceiptView:
    task = records.tasks.get(caller.project_id, task_id)
    return signed_receipt(records.receipts.get_for_task(caller.project_id, task.id), caller.secret)
