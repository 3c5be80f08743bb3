"""Conversion requests: reading their bodies and submitting them, for `POST /tasks`, `/sources` and `/plans`."""

from typing import Any

from anyio import to_thread
from fastapi import Request, Response

from penstock.api.bodies.json_body import read_json_body
from penstock.api.context import Context, context_of, require_caller, view_builder
from penstock.api.envelope import object_response
from penstock.api.examples import REQUESTS
from penstock.conversion.inputs import require_media
from penstock.domain.ids import ProjectId
from penstock.domain.planning.planner import plan_for
from penstock.domain.public_request import parse_public_request
from penstock.domain.request import SourceRequest
from penstock.domain.task import Task

# The body is parsed by our code, so that every violation is reported; this is its description in OpenAPI.
_EXAMPLES = {name: {"summary": name, "value": request} for name, request in REQUESTS.items()}
CONVERSION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": SourceRequest.model_json_schema(), "examples": _EXAMPLES}},
    }
}


async def post_request(request: Request) -> Response:
    """Submit the request and return its Task, new or existing."""
    context, caller = context_of(request), require_caller(request)
    body = await read_json_body(request, context.services.settings.max_body_bytes)
    conversion = parse_public_request(body, context.allowed)
    task = await to_thread.run_sync(
        _submit, context, caller.project_id, conversion, limiter=context.threads.submissions
    )
    return task_response(request, task)


def task_response(request: Request, task: Task) -> Response:
    return object_response(request, view_builder(request).task_view(task), f"/tasks/{task.id}", "/tasks")


def _submit(context: Context, project_id: ProjectId, conversion: SourceRequest) -> Task:
    tasks = context.services.records.tasks
    if conversion.file_id and tasks.find_current(project_id, conversion) is None:
        _require_plan(context, project_id, conversion)
    task = tasks.submit(project_id, conversion, context.services.queue_limits)
    context.services.counts.add("accepted", task.request.kind)
    return task


def _require_plan(context: Context, project_id: ProjectId, conversion: SourceRequest) -> None:
    """Raise the planning error at once if the facts of the input file are stored, and for a file that is no input."""
    services = context.services
    file = require_media(services.records.files.get_input(project_id, conversion.file_id or ""))
    if file.media is not None:
        plan_for(conversion, file.media, services.limits, services.allowed_pairs)
