"""`/tasks`: ask for a conversion, see how far it is, stop it."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.background import BackgroundTask

from penstock.api.context import context_of, require_caller, view_builder
from penstock.api.create_task import BODY, post_task, task_response
from penstock.api.envelope import Envelope, ListEnvelope, list_response
from penstock.api.pagination import PageParameters, list_query
from penstock.domain.task import Task
from penstock.views.resources import TaskView

router = APIRouter(tags=["tasks"])

ONE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[TaskView]}}
MANY: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[TaskView]}}


@router.post("/tasks", responses=ONE, openapi_extra=BODY, summary="Convert")
async def create_task(request: Request) -> Response:
    """Asks for a conversion; the same request again is the same Task."""
    return await post_task(request)


@router.get("/tasks", responses=MANY, summary="List tasks")
async def list_tasks(request: Request, asked: PageParameters) -> Response:
    tasks = context_of(request).services.records.tasks
    listing = await to_thread.run_sync(tasks.page, require_caller(request).project_id, list_query(asked))
    shown = view_builder(request)
    return list_response(request, listing, [shown.task_view(task) for task in listing.items])


@router.get("/tasks/{task_id}", responses=ONE, summary="Read a task")
async def read_task(request: Request, task_id: str, wait: Annotated[float, Query(ge=0, le=60)] = 0) -> Response:
    """Answers at once, or with `wait` as soon as the task ends, at the latest after so many seconds."""
    context, caller = context_of(request), require_caller(request)

    async def read() -> Task:
        return await to_thread.run_sync(context.services.records.tasks.get, caller.project_id, task_id)

    task = await read()
    if wait and task.status == "processing":
        task = await context.waiting.end_of(task, read, wait)
    return task_response(request, task)


@router.post("/tasks/{task_id}/cancel", responses=ONE, summary="Cancel a task")
async def cancel_task(request: Request, task_id: str) -> Response:
    """Stops the work; the task is `cancelled` as soon as its encoder is dead."""
    context, caller = context_of(request), require_caller(request)
    task = await to_thread.run_sync(context.services.records.tasks.cancel, caller.project_id, task_id)
    answer = task_response(request, task)
    if task.run_id:
        tell = context.runs.end_unstarted if task.status == "cancelled" else context.runs.cancel
        answer.background = BackgroundTask(tell, task.run_id)
    return answer
