"""`/health`: whether the service accepts tasks, and the state of its dependencies. Needs no API key."""

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
from penstock.sandbox.forbidden_acts import Attempts
from penstock.sandbox.jail_trial import JailState, jail_state
from penstock.sandbox.job import JailMode

router = APIRouter(tags=["health"])

PING_TIMEOUT_SECONDS = 3.0


class Dependencies(BaseModel):
    database: Literal["ok"] = "ok"
    storage: Literal["ok"] = "ok"
    prefect: HealthStatus
    workers: HealthStatus


class JailView(BaseModel):
    """The jail of child processes on the API's machine. `refused` counts the forbidden acts that a child tried in vain
    when the API started, `allowed` names those that worked; `missing` names what the kernel lacks."""

    mode: JailMode
    missing: list[str]
    refused: int
    allowed: list[str]


class HealthView(BaseModel):
    """`degraded`: tasks are accepted, and run once Prefect and a worker are available."""

    object: Literal["health"] = "health"
    status: HealthStatus
    dependencies: Dependencies
    jail: JailView


HEALTH_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[HealthView]}}


@router.get("/health", responses=HEALTH_RESPONSE, summary="Check the service")
async def read_health(request: Request) -> Response:
    """200 once tasks are accepted; 503 while the database or the storage cannot be reached.

    Checked at most four times a second."""
    context = context_of(request)
    view = await context.health.get(partial(_check, context))
    return object_response(request, view, "/health", None)


async def _check(context: Context) -> HealthView:
    services = context.services
    await _require_response(
        context, services.records.ping, errors.DatabaseUnavailable("The database does not respond.")
    )
    await _require_response(context, services.objects.ping, errors.StorageUnavailable("The storage does not respond."))
    runs = await context.runs.health()
    status: HealthStatus = "ok" if (runs.prefect, runs.workers) == ("ok", "ok") else "degraded"
    dependencies = Dependencies(prefect=runs.prefect, workers=runs.workers)
    state = await to_thread.run_sync(jail_state, services.tools.pool, limiter=context.threads.health)
    return HealthView(status=status, dependencies=dependencies, jail=_jail_view(state))


def _jail_view(state: JailState) -> JailView:
    attempts = state.attempts or Attempts((), ())
    return JailView(
        mode=state.mode,
        missing=list(state.parts.missing),
        refused=len(attempts.refused),
        allowed=list(attempts.allowed),
    )


async def _require_response(context: Context, ping: Callable[[], None], error: errors.PlatformError) -> None:
    """Ping a dependency; raise `error` if it does not respond in time. A ping that hangs keeps its thread, so no other
    is started meanwhile."""
    if error.code in context.pending_pings:
        raise error

    def run() -> None:
        context.pending_pings.add(error.code)
        try:
            ping()
        finally:
            context.pending_pings.discard(error.code)

    try:
        with fail_after(PING_TIMEOUT_SECONDS):
            await to_thread.run_sync(run, limiter=context.threads.health, abandon_on_cancel=True)
    except TimeoutError as timeout:
        raise error from timeout
