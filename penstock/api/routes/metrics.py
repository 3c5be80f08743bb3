"""`GET /metrics`: what the whole service counts, for Prometheus. It tells of all projects: the default one reads it."""

from dataclasses import asdict
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from penstock.api.context import context_of, require_caller
from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.metrics.exposition import exposition
from penstock.records import Records

router = APIRouter(tags=["health"])

TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get("/metrics", responses=TEXT, summary="Read the metrics", response_class=Response)
async def read_metrics(request: Request) -> Response:
    """Prometheus' text format, with a key of the default project. Every API of a service shows the same: sums over all
    processes, up to 10 s old."""
    context, caller = context_of(request), require_caller(request)
    text = await to_thread.run_sync(_text, context.services.records, caller.project_id)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _text(records: Records, project_id: ProjectId) -> bytes:
    if project_id != records.keys.default_project():
        raise errors.NotFound("This path does not exist; /docs lists all paths.")
    gauges, counters = asdict(records.metrics.gauges()), records.metrics.counters()
    now = {"slots_without_run": counters.get(("slots_without_run", ""), 0.0)}
    return exposition(counters, gauges | now, gauges.pop("unfinished"))
