"""`/plans`: what a conversion would do, without doing it."""

from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.bodies.json_body import read_json_body
from penstock.api.context import Context, context_of, require_caller
from penstock.api.create_task import BODY, request_from
from penstock.api.envelope import Envelope, object_response
from penstock.domain.ids import ProjectId
from penstock.domain.request import SourceRequest
from penstock.dry_run import InputProber, Probed, plan_dry_run
from penstock.views.plans import PlanView

router = APIRouter(tags=["plans"])

ONE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[PlanView]}}


@router.post("/plans", responses=ONE, openapi_extra=BODY, summary="Plan a conversion")
async def create_plan(request: Request) -> Response:
    """What a Task of the same body would do, and why; or the refusal that it would get. Converts nothing, and reads
    of the input only what that needs."""
    context, caller = context_of(request), require_caller(request)
    body = await read_json_body(request, context.services.settings.max_body_bytes)
    asked = request_from(body, context.allowed)
    async with context.plans.place(caller.project_id):
        view = await to_thread.run_sync(_planned, context, caller.project_id, asked, limiter=context.threads.plans)
    return object_response(request, view, "/plans", None)


def _planned(context: Context, project_id: ProjectId, asked: SourceRequest) -> PlanView:
    services = context.services
    look = _look(context, project_id, asked)
    return plan_dry_run(
        asked, look, services.tools, services.allowed_pairs, partial(services.records.receipts.cost_history, project_id)
    ).view


def _look(context: Context, project_id: ProjectId, asked: SourceRequest) -> Probed:
    services = context.services
    looking = InputProber.from_settings(services.settings, services.tools, services.fetch_policy)
    if asked.url:
        return looking.probe_url(asked.url)
    file = services.records.files.get_input(project_id, asked.file_id or "")
    return looking.probe_object(services.objects, file.key) if file.media is None else Probed(file.media, 0)
