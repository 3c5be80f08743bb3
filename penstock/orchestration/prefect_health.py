"""Whether Prefect creates runs, and whether a live worker has joined its pool."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import WorkerFilter, WorkerFilterStatus
from prefect.exceptions import ObjectNotFound

from penstock.domain.attempts import HealthStatus, RunsHealth
from penstock.orchestration.flow_run_options import POOL

TIMEOUT_SECONDS = 3.0
SILENT_SECONDS = 30.0  # three heartbeats


class LiveWorkers:
    """Which workers are alive, by heartbeats that change between two updates: clocks of two hosts are never compared.

    Prefect calls a worker online for half a minute after its death. So the workers of the first update count from their
    next heartbeat on; a worker that appears later has just joined and counts at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heartbeats: dict[str, str] | None = None
        self._alive_at: dict[str, float] = {}

    def update(self, heartbeats: Mapping[str, str]) -> None:
        """The last heartbeat of every worker that Prefect calls online."""
        if self._heartbeats is not None:
            now, before = self._clock(), self._heartbeats
            self._alive_at |= {name: now for name, beat in heartbeats.items() if before.get(name) != beat}
        self._alive_at = {name: at for name, at in self._alive_at.items() if name in heartbeats}
        self._heartbeats = dict(heartbeats)

    def any_alive(self) -> bool:
        return any(self._clock() - at < SILENT_SECONDS for at in self._alive_at.values())


async def check_health(
    client: PrefectClient, find_deployment: Callable[[], Awaitable[UUID]], workers: LiveWorkers
) -> RunsHealth:
    """Both are degraded where Prefect does not respond within three seconds."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return RunsHealth(await _prefect(client, find_deployment), await _workers(client, workers))
    except (httpx.HTTPError, TimeoutError):
        return RunsHealth("degraded", "degraded")


async def _prefect(client: PrefectClient, find_deployment: Callable[[], Awaitable[UUID]]) -> HealthStatus:
    try:
        await find_deployment()
    except ObjectNotFound:
        return "degraded"
    return "ok" if await client.api_healthcheck() is None else "degraded"


async def _workers(client: PrefectClient, workers: LiveWorkers) -> HealthStatus:
    online = WorkerFilter(status=WorkerFilterStatus(any_=["ONLINE"]))
    try:
        found = await client.read_workers_for_work_pool(POOL, worker_filter=online)
    except ObjectNotFound:
        found = []
    workers.update({worker.name: str(worker.last_heartbeat_time) for worker in found})
    return "ok" if workers.any_alive() else "degraded"
