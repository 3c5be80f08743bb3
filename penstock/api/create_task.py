"""From a POST to a Task: the same for /sources and /tasks."""

from collections.abc import Mapping
from typing import Any

from anyio import to_thread
from fastapi import Request, Response

from penstock.api.bodies.json_body import read_json_body
from penstock.api.context import Context, context_of, require_caller, view_builder
from penstock.api.envelope import object_response
from penstock.api.examples import REQUESTS
from penstock.domain import errors
from penstock.domain.addresses import AllowedAddresses, parse_address
from penstock.domain.ids import ProjectId
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import SourceRequest, parse_request
from penstock.domain.task import Task

# We parse the body ourselves, so that every violation is named; this is how it is documented.
_SHOWN = {name: {"summary": name, "value": request} for name, request in REQUESTS.items()}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": SourceRequest.model_json_schema(), "examples": _SHOWN}},
    }
}
ADDRESSES = ("url", "webhook_url")


async def post_task(request: Request) -> Response:
    """The Task of the request, new or known."""
    context, caller = context_of(request), require_caller(request)
    body = await read_json_body(request, context.services.settings.max_body_bytes)
    asked = request_from(body, context.allowed)
    task = await to_thread.run_sync(_open, context, caller.project_id, asked, limiter=context.threads.openings)
    return task_response(request, task)


def task_response(request: Request, task: Task) -> Response:
    return object_response(request, view_builder(request).task_view(task), f"/tasks/{task.id}", "/tasks")


def request_from(body: Any, allowed: AllowedAddresses) -> SourceRequest:
    """What a body asks for. Raises `BodyInvalid`, or `InvalidRequest` with all that is wrong with it."""
    forbidden = _forbidden(body, allowed) if isinstance(body, Mapping) else []
    try:
        asked = parse_request(body)
    except errors.InvalidRequest as refused:
        named = {violation.field for violation in refused.violations}
        more = [violation for violation in forbidden if violation.field not in named]
        raise errors.InvalidRequest((*refused.violations, *more)) from refused
    if forbidden:
        raise errors.InvalidRequest(tuple(forbidden))
    return asked


def _forbidden(body: Mapping[str, Any], allowed: AllowedAddresses) -> list[errors.RequestError]:
    found: list[errors.RequestError] = []
    for name in ADDRESSES:
        if isinstance(url := body.get(name), str):
            try:
                parse_address(url, allowed)
            except errors.UrlForbidden as refused:
                message = refused.message.replace("The url", f"The {name}", 1)
                found.append(errors.UrlForbidden(message, field=name, detail=refused.detail))
    return found


def _open(context: Context, project_id: ProjectId, asked: SourceRequest) -> Task:
    tasks = context.services.records.tasks
    if asked.file_id:
        if known := tasks.find_current(project_id, asked):
            return known
        _require_plan(context, project_id, asked)
    return tasks.submit(project_id, asked, context.services.queue_limits)


def _require_plan(context: Context, project_id: ProjectId, asked: SourceRequest) -> None:
    """Refuse now what a known input cannot become."""
    services = context.services
    file = services.records.files.get_input(project_id, asked.file_id or "")
    if file.media is not None:
        plan_for(asked, file.media, services.limits, services.allowed_pairs)
