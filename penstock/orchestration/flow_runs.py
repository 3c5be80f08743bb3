"""Flow runs seen from outside: made from a submission, asked to stop, linked to, read many at once."""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkerFilter,
    WorkerFilterStatus,
)
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling, Crashed

from penstock.domain.attempts import HealthStatus, RunsHealth
from penstock.domain.task import Task
from penstock.orchestration.live_workers import JoinedWorkers
from penstock.orchestration.prefect_server import Address
from penstock.orchestration.queues import QUEUES
from penstock.orchestration.run_names import run_name, run_tags

log = logging.getLogger(__name__)

DEPLOYMENT = "convert-source/convert-source"
FLOWS = ("convert-source", "convert-request")
AT_WORK = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
POOL = "media"
CALL_SECONDS = 20.0
HEALTH_SECONDS = 3.0


class PrefectUnavailable(Exception):
    """Prefect does not answer, or not as it should; what was asked may be asked again."""


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that a worker has claimed and that has not ended. `has_task`: it was made for the attempt of a task."""

    run_id: str
    has_task: bool


@dataclass
class FlowRuns:
    """One client for the life of the process; opened by `async with`."""

    address: Address
    client: PrefectClient
    deployment_id: UUID | None = None
    joined: JoinedWorkers = field(default_factory=JoinedWorkers)

    @classmethod
    def at(cls, address: Address) -> "FlowRuns":
        return cls(address, get_client())

    async def __aenter__(self) -> "FlowRuns":
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.client.__aexit__(*error)

    def url(self, run_id: str) -> str:
        """The run's page."""
        return f"{self.address.ui_url}/runs/flow-run/{run_id}"

    async def create(self, task: Task) -> str:
        """The flow run of the task's current attempt: made once, however often it is asked for. Answers its id."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                run = await self.client.create_flow_run_from_deployment(
                    await self._deployment(),
                    parameters={"task_id": task.id, "attempt": task.attempt},
                    idempotency_key=f"{task.id}:{task.attempt}",
                    tags=run_tags(task),
                    name=run_name(task),
                    work_queue_name=QUEUES[task.request.kind],
                )
        except ObjectNotFound as gone:
            self.deployment_id = None
            raise PrefectUnavailable("the deployment is not there (yet)") from gone
        except (httpx.HTTPError, TimeoutError) as away:
            raise PrefectUnavailable(type(away).__name__) from away
        return str(run.id)

    async def cancel(self, run_id: str) -> None:
        """Ask Prefect to cancel; a run that is gone, or a Prefect that is away, is no error: our record holds."""
        await self._set(run_id, Cancelling(message="Cancelled by its owner."), force=False)

    async def settle(self, run_id: str) -> None:
        """End a run that has not begun: there is nobody to stop."""
        await self._set(run_id, Cancelled(message="The task was cancelled."), force=True)

    async def crash(self, run_id: str) -> None:
        """Tell Prefect that the run is dead, whatever state it believes in. Raises `PrefectUnavailable`."""
        await self.end(run_id, Crashed(message="Its worker was lost."))

    async def end(self, run_id: str, state: State[Any]) -> None:
        """End a run that nobody runs any more. Raises `PrefectUnavailable`."""
        with suppress(ObjectNotFound):
            await self._asked(self.client.set_flow_run_state(UUID(run_id), state, force=True))

    async def open(self) -> list[ActiveRun]:
        """Our runs that Prefect believes to be at work, 200 at most: those first that should have begun first."""
        wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[*AT_WORK])))
        ours, oldest = FlowFilter(name=FlowFilterName(any_=[*FLOWS])), FlowRunSort.EXPECTED_START_TIME_ASC
        try:
            async with asyncio.timeout(CALL_SECONDS):
                deployment = await self._deployment()
                found = await self.client.read_flow_runs(flow_filter=ours, flow_run_filter=wanted, sort=oldest)
        except ObjectNotFound:
            return []
        except (httpx.HTTPError, TimeoutError) as away:
            raise PrefectUnavailable(type(away).__name__) from away
        return [ActiveRun(str(run.id), run.deployment_id == deployment) for run in found]

    async def states(self, run_ids: list[str]) -> dict[str, State[object] | None]:
        """The states of these runs (200 at most), as far as the runs exist."""
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id) for run_id in run_ids]))
        try:
            async with asyncio.timeout(CALL_SECONDS):
                found = await self.client.read_flow_runs(flow_run_filter=wanted, limit=len(run_ids))
        except (httpx.HTTPError, TimeoutError) as away:
            raise PrefectUnavailable(type(away).__name__) from away
        return {str(run.id): run.state for run in found}

    async def active_slots(self, limit: str) -> int:
        """How many slots of a limit Prefect counts as taken; 0 where there is no such limit."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return (await self.client.read_global_concurrency_limit_by_name(limit)).active_slots
        except ObjectNotFound:
            return 0
        except (httpx.HTTPError, TimeoutError) as away:
            raise PrefectUnavailable(type(away).__name__) from away

    async def free_slots(self, limit: str, slots: int, held_seconds: float) -> None:
        """Count so many slots of a limit as free."""
        await self._asked(self.client.release_concurrency_slots([limit], slots, held_seconds))

    async def free_lease(self, lease_id: str) -> None:
        """Give back what a lease holds; one that Prefect does not know any more holds nothing."""
        await self._asked(self.client.release_concurrency_slots_with_lease(UUID(lease_id)))

    async def _asked(self, call: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await call
        except (httpx.HTTPError, TimeoutError) as away:
            raise PrefectUnavailable(type(away).__name__) from away

    async def require_prefect(self) -> None:
        """Raise `PrefectUnavailable` unless Prefect answers."""
        await self._asked(self.client.hello())

    async def health(self) -> RunsHealth:
        """Whether runs can be created, and a worker has joined that begins them at once."""
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                return RunsHealth(await self._prefect(), await self._workers())
        except (httpx.HTTPError, TimeoutError):
            return RunsHealth("degraded", "degraded")

    async def _prefect(self) -> HealthStatus:
        try:
            await self._deployment()
        except ObjectNotFound:
            return "degraded"
        return "ok" if await self.client.api_healthcheck() is None else "degraded"

    async def _workers(self) -> HealthStatus:
        online = WorkerFilter(status=WorkerFilterStatus(any_=["ONLINE"]))
        try:
            found = await self.client.read_workers_for_work_pool(POOL, worker_filter=online)
        except ObjectNotFound:
            found = []
        self.joined.see({worker.name: str(worker.last_heartbeat_time) for worker in found})
        return "ok" if self.joined.anybody() else "degraded"

    async def _deployment(self) -> UUID:
        if self.deployment_id is None:
            self.deployment_id = (await self.client.read_deployment_by_name(DEPLOYMENT)).id
        return self.deployment_id

    async def _set(self, run_id: str, state: State[object], *, force: bool) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self.client.set_flow_run_state(UUID(run_id), state, force=force)
        except (httpx.HTTPError, TimeoutError, ObjectNotFound) as away:
            log.warning("run %s: Prefect did not take %s (%s)", run_id, state.name, type(away).__name__)
