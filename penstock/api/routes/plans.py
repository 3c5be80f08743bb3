"""`/plans`: what a conversion would do, without doing it."""

from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.bodies.json_body import read_json_body
from penstock.api.context import Context, context_of, require_caller
from penstock.api.envelope import Envelope, object_response
from penstock.api.task_requests import CONVERSION_BODY
from penstock.conversion.dry_run import DryRun, plan_dry_run, reusing
from penstock.conversion.input_prober import InputProber
from penstock.conversion.inputs import require_media
from penstock.conversion.local_probe import Probed
from penstock.conversion.reuse import digest_of
from penstock.domain.ids import ProjectId
from penstock.domain.public_request import parse_public_request
from penstock.domain.request import SourceRequest
from penstock.domain.task import File
from penstock.services import Services
from penstock.views.plans import PlanView

router = APIRouter(tags=["plans"])

PLAN_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[PlanView]}}


@router.post("/plans", responses=PLAN_RESPONSE, openapi_extra=CONVERSION_BODY, summary="Plan a conversion")
async def create_plan(request: Request) -> Response:
    """What a Task for the same body would do and why, or the error that it would get. Converts nothing, and reads only
    as much of the input as planning needs."""
    context, caller = context_of(request), require_caller(request)
    body = await read_json_body(request, context.services.settings.max_body_bytes)
    conversion = parse_public_request(body, context.allowed)
    async with context.plan_slots.slot(caller.project_id):
        view = await to_thread.run_sync(_plan, context, caller.project_id, conversion, limiter=context.threads.plans)
    return object_response(request, view, "/plans", None)


def _plan(context: Context, project_id: ProjectId, conversion: SourceRequest) -> PlanView:
    services = context.services
    files = services.records.files
    file = require_media(files.get_input(project_id, conversion.file_id)) if conversion.file_id else None
    probed = _probe(services, conversion, file)
    history = partial(services.records.receipts.cost_history, project_id)
    dry_run = plan_dry_run(conversion, probed, services.tools, services.allowed_pairs, history)
    earlier = _earlier(services, file, dry_run) if file else None
    return reusing(dry_run, earlier).view if earlier else dry_run.view


def _probe(services: Services, conversion: SourceRequest, file: File | None) -> Probed:
    prober = InputProber.from_settings(services.settings, services.tools, services.fetch_policy)
    if file is None:
        return prober.probe_url(conversion.url or "")
    return prober.probe_object(services.objects, file.key) if file.media is None else Probed(file.media, 0)


def _earlier(services: Services, file: File, dry_run: DryRun) -> File | None:
    """The output that the task would reuse."""
    if services.settings.reuse == "off":
        return None
    digest = digest_of(file.facts.sha256, dry_run.plan, dry_run.probed.media, services.tools)
    found = services.records.conversions.find(file.project_id, [digest])
    return found[digest].file if found else None
