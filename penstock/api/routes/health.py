"""`/health`: whether it can take work, and what it depends on. No key needed."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from anyio import fail_after, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from penstock.api.context import Context, context_of
from penstock.api.envelope import Envelope, object_response
from penstock.domain import errors
from penstock.domain.attempts import HealthStatus

router = APIRouter(tags=["health"])

PATIENCE_SECONDS = 3.0


class Dependencies(BaseModel):
    database: Literal["ok"] = "ok"
    storage: Literal["ok"] = "ok"
    prefect: HealthStatus
    workers: HealthStatus


class HealthView(BaseModel):
    """`degraded`: work is taken, and begun once Prefect is back and a worker has joined."""

    object: Literal["health"] = "health"
    status: HealthStatus
    dependencies: Dependencies


SHOWN: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[HealthView]}}


@router.get("/health", responses=SHOWN, summary="Can it take work")
async def read_health(request: Request) -> Response:
    """200 once it can take work; 503 while the database or the storage cannot be reached. Looked at once a second."""
    context = context_of(request)
    view = await context.health.get(partial(_looked_at, context))
    return object_response(request, view, "/health", None)


async def _looked_at(context: Context) -> HealthView:
    services = context.services
    await _answering(context, services.records.ping, errors.DatabaseUnavailable("The database does not answer."))
    await _answering(context, services.objects.ping, errors.StorageUnavailable("The storage does not answer."))
    runs = await context.runs.health()
    status: HealthStatus = "ok" if (runs.prefect, runs.workers) == ("ok", "ok") else "degraded"
    return HealthView(status=status, dependencies=Dependencies(prefect=runs.prefect, workers=runs.workers))


async def _answering(context: Context, ping: Callable[[], None], silence: errors.PlatformError) -> None:
    """Wait for a dependency, but not for ever. One that hangs keeps one thread: it is not asked again meanwhile."""
    if silence.code in context.hanging:
        raise silence

    def asked() -> None:
        context.hanging.add(silence.code)
        try:
            ping()
        finally:
            context.hanging.discard(silence.code)

    try:
        with fail_after(PATIENCE_SECONDS):
            await to_thread.run_sync(asked, limiter=context.threads.health, abandon_on_cancel=True)
    except TimeoutError as late:
        raise silence from late
