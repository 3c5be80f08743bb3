"""Conversion requests: reading their bodies and submitting them, for `POST /tasks`, `/sources` and `/plans`."""

from collections.abc import Mapping
from typing import Any

from anyio import to_thread
from fastapi import Request, Response

from penstock.api.bodies.json_body import read_json_body
from penstock.api.context import Context, context_of, require_caller, view_builder
from penstock.api.envelope import object_response
from penstock.api.examples import REQUESTS
from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import SourceRequest, parse_request
from penstock.domain.task import Task
from penstock.domain.web_addresses import AllowedAddresses, parse_address

# The body is parsed by our code, so that every violation is reported; this is its description in OpenAPI.
_EXAMPLES = {name: {"summary": name, "value": request} for name, request in REQUESTS.items()}
CONVERSION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": SourceRequest.model_json_schema(), "examples": _EXAMPLES}},
    }
}
URL_FIELDS = ("url", "webhook_url")


async def post_request(request: Request) -> Response:
    """Submit the request and return its Task, new or existing."""
    context, caller = context_of(request), require_caller(request)
    body = await read_json_body(request, context.services.settings.max_body_bytes)
    conversion = request_from(body, context.allowed)
    task = await to_thread.run_sync(
        _submit, context, caller.project_id, conversion, limiter=context.threads.submissions
    )
    return task_response(request, task)


def task_response(request: Request, task: Task) -> Response:
    return object_response(request, view_builder(request).task_view(task), f"/tasks/{task.id}", "/tasks")


def request_from(body: Any, allowed: AllowedAddresses) -> SourceRequest:
    """The request in a decoded body. Raises `BodyInvalid`, or `InvalidRequest` with all violations."""
    forbidden = _forbidden_urls(body, allowed) if isinstance(body, Mapping) else []
    try:
        conversion = parse_request(body)
    except errors.InvalidRequest as error:
        invalid = {violation.field for violation in error.violations}
        more = [violation for violation in forbidden if violation.field not in invalid]
        raise errors.InvalidRequest((*error.violations, *more)) from error
    if forbidden:
        raise errors.InvalidRequest(tuple(forbidden))
    return conversion


def _forbidden_urls(body: Mapping[str, Any], allowed: AllowedAddresses) -> list[errors.RequestError]:
    found: list[errors.RequestError] = []
    for name in URL_FIELDS:
        if isinstance(url := body.get(name), str):
            try:
                parse_address(url, allowed)
            except errors.UrlForbidden as error:
                message = error.message.replace("The url", f"The {name}", 1)
                found.append(errors.UrlForbidden(message, field=name, detail=error.detail))
    return found


def _submit(context: Context, project_id: ProjectId, conversion: SourceRequest) -> Task:
    tasks = context.services.records.tasks
    if conversion.file_id:
        if task := tasks.find_current(project_id, conversion):
            return task
        _require_plan(context, project_id, conversion)
    return tasks.submit(project_id, conversion, context.services.queue_limits)


def _require_plan(context: Context, project_id: ProjectId, conversion: SourceRequest) -> None:
    """Raise the planning error at once if the facts of the input file are stored."""
    services = context.services
    file = services.records.files.get_input(project_id, conversion.file_id or "")
    if file.media is not None:
        plan_for(conversion, file.media, services.limits, services.allowed_pairs)
