"""The client of Prefect's flow runs: create, cancel, end and read them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
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
)
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Cancelling, Crashed, Scheduled

from penstock.domain.attempts import RunsHealth
from penstock.domain.batch.batch import PendingObject, PendingRun
from penstock.domain.task import Task
from penstock.orchestration.flow_run_options import BATCH_QUEUE, BATCH_WORK_QUEUE, QUEUES, queue_of, run_name, run_tags
from penstock.orchestration.prefect_health import LiveWorkers, check_health
from penstock.orchestration.prefect_server import PrefectAddress
from penstock.orchestration.server_clock import ServerClock

log = logging.getLogger(__name__)

DEPLOYMENT = "convert-source/convert-source"
PENDING_DEPLOYMENTS: dict[PendingObject, str] = {
    "batch": "run-batch/run-batch",
    "chunk": "convert-chunk/convert-chunk",
    "import": "import-file/import-file",
}
PENDING_QUEUES: dict[PendingObject, str] = {
    "batch": BATCH_QUEUE,
    "chunk": BATCH_WORK_QUEUE,
    "import": QUEUES["video"],
}
FLOWS = ("convert-source", "convert-request", "convert-batch", "run-batch", "convert-chunk", "import-file")
ACTIVE_STATES = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
TIMEOUT_SECONDS = 20.0
# A body with a wrong value, and one that is too large.
REFUSED_STATUSES = (400, 413, 422)


class PrefectUnavailable(Exception):
    """Prefect does not respond, or not as it should; the call may be repeated."""


class EventsRefused(Exception):
    """Prefect takes no such events, however often they are sent. The argument is the status it answered with."""


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that a worker has claimed and that has not ended. `has_task`: it was created for the attempt of a task."""

    run_id: str
    has_task: bool


@dataclass
class FlowRuns:
    """One Prefect client for the life of the process, opened by `async with`.

    Every method that calls Prefect raises `PrefectUnavailable`; `cancel`, `end_unstarted`, `start_at`
    and `health` do not."""

    address: PrefectAddress
    client: PrefectClient
    deployments: dict[str, UUID] = field(default_factory=dict)
    workers: LiveWorkers = field(default_factory=LiveWorkers)

    @classmethod
    def at(cls, address: PrefectAddress) -> "FlowRuns":
        return cls(address, get_client())

    async def __aenter__(self) -> "FlowRuns":
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.client.__aexit__(*error)

    def url(self, run_id: str) -> str:
        """The run's page in the Prefect UI."""
        return f"{self.address.ui_url}/runs/flow-run/{run_id}"

    async def create(self, task: Task, parent: str | None = None) -> str:
        """Create the run of the task's current attempt, and return its id. A repeated call returns the same run.
        `parent` is the Prefect task run that it is shown under."""
        return await self._create(
            DEPLOYMENT,
            parent,
            parameters={"task_id": task.id, "attempt": task.attempt},
            idempotency_key=f"{task.id}:{task.attempt}",
            tags=run_tags(task),
            name=run_name(task),
            work_queue_name=queue_of(task),
        )

    async def create_pending(self, pending: PendingRun) -> str:
        """Create the run of a batch, a chunk or an import, and return its id. A repeated call returns the same run."""
        of_file = pending.object == "import"
        return await self._create(
            PENDING_DEPLOYMENTS[pending.object],
            pending.parent,
            parameters={"file_id" if of_file else f"{pending.object}_id": pending.id, "attempt": pending.attempt},
            idempotency_key=f"{pending.id}:{pending.attempt}",
            tags=[pending.project_id, pending.batch_id or "import"],
            name=f"{pending.object} {pending.name}",
            work_queue_name=PENDING_QUEUES[pending.object],
        )

    async def _create(self, deployment: str, parent: str | None, **options: Any) -> str:
        try:
            async with _translated():
                run = await self.client.create_flow_run_from_deployment(
                    await self._find_deployment(deployment),
                    parent_task_run_id=UUID(parent) if parent else None,
                    state=_scheduled_at_once(),
                    **options,
                )
        except ObjectNotFound as missing:
            self.deployments.pop(deployment, None)
            raise PrefectUnavailable("the deployment does not exist yet") from missing
        return str(run.id)

    async def cancel(self, run_id: str) -> None:
        """Ask Prefect to cancel the run. A failure is only logged: our own records cancel the task."""
        await self._try_to_set(run_id, Cancelling(message="Cancelled by its owner."), force=False)

    async def end_unstarted(self, run_id: str) -> None:
        """End a run that no worker has started. A failure is only logged."""
        await self._try_to_set(run_id, Cancelled(message="The task was cancelled."), force=True)

    async def server_time(self) -> datetime:
        """The time by the clock of the server, by which runs are scheduled."""
        clock = ServerClock()
        async with _translated():
            clock.adjust((await self.client.hello()).headers)
        return clock.now()

    async def start_at(self, run_id: str, now: datetime) -> None:
        """Let workers start a scheduled run at `now`, the server's time. A failure is only logged."""
        message = "Its start was set by a clock that was ahead."
        await self._try_to_set(run_id, Scheduled(scheduled_time=now, message=message), force=False)

    async def crash(self, run_id: str) -> None:
        """End a run whose worker was lost, whatever its state in Prefect is."""
        await self.end(run_id, Crashed(message="Its worker was lost."))

    async def end(self, run_id: str, state: State[Any]) -> None:
        """Set the final state of a run that no worker runs any more; a deleted run is no error."""
        with suppress(ObjectNotFound):
            async with _translated():
                await self.client.set_flow_run_state(UUID(run_id), state, force=True)

    async def active(self) -> list[ActiveRun]:
        """Our active runs, at most 200: those first whose expected start is the earliest."""
        wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[*ACTIVE_STATES])))
        ours, oldest = FlowFilter(name=FlowFilterName(any_=[*FLOWS])), FlowRunSort.EXPECTED_START_TIME_ASC
        try:
            async with _translated():
                deployment = await self._find_deployment()
                found = await self.client.read_flow_runs(flow_filter=ours, flow_run_filter=wanted, sort=oldest)
        except ObjectNotFound:
            return []
        return [ActiveRun(str(run.id), run.deployment_id == deployment) for run in found]

    async def states(self, run_ids: list[str]) -> dict[str, State[object] | None]:
        """The states of these runs (at most 200); a deleted run is missing."""
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id) for run_id in run_ids]))
        async with _translated():
            found = await self.client.read_flow_runs(flow_run_filter=wanted, limit=len(run_ids))
        return {str(run.id): run.state for run in found}

    async def active_slots(self, limit: str) -> int:
        """How many slots of a concurrency limit Prefect counts as taken; 0 where the limit does not exist."""
        try:
            async with _translated():
                return (await self.client.read_global_concurrency_limit_by_name(limit)).active_slots
        except ObjectNotFound:
            return 0

    async def free_slots(self, limit: str, slots: int, held_seconds: float) -> None:
        """Make Prefect count so many slots less as taken."""
        async with _translated():
            await self.client.release_concurrency_slots([limit], slots, held_seconds)

    async def free_lease(self, lease_id: str) -> None:
        """Free the slots of a lease; a lease that Prefect does not know holds none."""
        async with _translated():
            await self.client.release_concurrency_slots_with_lease(UUID(lease_id))

    async def emit(self, events: list[dict[str, Any]]) -> None:
        """Hand events to Prefect; those that it has already, by their ids, are kept once.

        Raises:
            EventsRefused: at least one of them is wrong for Prefect, or they are too large; it took none.
        """
        async with _translated():
            try:
                await self.client.request("POST", "/events", json=events)
            except httpx.HTTPStatusError as refused:
                if refused.response.status_code not in REFUSED_STATUSES:
                    raise
                raise EventsRefused(refused.response.status_code) from refused

    async def require_prefect(self) -> None:
        """Raises `PrefectUnavailable` unless Prefect responds."""
        async with _translated():
            await self.client.hello()

    async def health(self) -> RunsHealth:
        """Whether runs can be created, and a live worker runs them."""
        return await check_health(self.client, self._find_deployment, self.workers)

    async def _find_deployment(self, name: str = DEPLOYMENT) -> UUID:
        if name not in self.deployments:
            self.deployments[name] = (await self.client.read_deployment_by_name(name)).id
        return self.deployments[name]

    async def _try_to_set(self, run_id: str, state: State[object], *, force: bool) -> None:
        try:
            async with _translated():
                await self.client.set_flow_run_state(UUID(run_id), state, force=force)
        except (PrefectUnavailable, ObjectNotFound) as error:
            log.warning("run %s: Prefect did not accept %s (%s)", run_id, state.name, error)


def _scheduled_at_once() -> State[Any]:
    """Scheduled without a time: Prefect then takes its own clock's, where its client would send that of this host."""
    state: State[Any] = Scheduled()
    state.state_details.scheduled_time = None
    return state


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Bounds a call's time, and translates the client's errors; `ObjectNotFound` passes."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield
    except (httpx.HTTPError, TimeoutError) as error:
        raise PrefectUnavailable(type(error).__name__) from error
