"""`/health`: whether it can take work, and what it depends on. No key needed."""

from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from penstock.api.context import context_of
from penstock.api.envelope import Envelope, answer

router = APIRouter(tags=["health"])


class Dependencies(BaseModel):
    database: Literal["ok"] = "ok"
    storage: Literal["ok"] = "ok"
    prefect: Literal["ok", "degraded"]


class HealthView(BaseModel):
    """`degraded`: work is taken, and done once Prefect is back."""

    object: Literal["health"] = "health"
    status: Literal["ok", "degraded"]
    dependencies: Dependencies


SHOWN: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[HealthView]}}


@router.get("/health", responses=SHOWN, summary="Can it take work")
async def read_health(request: Request) -> Response:
    """200 once it can take work; 503 while the database or the storage cannot be reached."""
    context = context_of(request)
    await to_thread.run_sync(context.services.records.ping)
    await to_thread.run_sync(context.services.objects.ping)
    prefect: Literal["ok", "degraded"] = "ok" if await context.runs.health() == "ok" else "degraded"
    view = HealthView(status=prefect, dependencies=Dependencies(prefect=prefect))
    return answer(request, view, "/health", None)
