"""Follows Prefect's events of our runs: a cancel from its UI, a crash and a retry are recorded as they happen."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter

from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.orchestration.flow_runs import FlowRuns
from penstock.orchestration.reconcile.lost_runs import LostRuns
from penstock.orchestration.reconcile.reconciler import record_cancel, replace_lost_run
from penstock.records import Records

log = logging.getLogger(__name__)

PREFIX = "prefect.flow-run."
RECONNECT_SECONDS = 1.0


async def follow_prefect_events(records: Records, runs: FlowRuns, attempts: int) -> None:
    """Follow the events for ever. The reconciler finds what is missed while the connection is down."""
    follower = EventFollower(records, runs, attempts)
    wanted = EventFilter(event=EventNameFilter(name=[f"{PREFIX}{state}" for state in HANDLERS]))
    while True:
        try:
            async with get_events_subscriber(filter=wanted, reconnect_on_clean_close=True) as events:
                async for event in events:
                    run_id = event.resource.id.rpartition(".")[2]
                    await follower.handle(event.event.removeprefix(PREFIX), run_id)
        except Exception as error:  # noqa: BLE001 - the websocket client has no common base error
            log.info("the event stream of Prefect is down: %s", type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)


@dataclass(frozen=True, slots=True)
class EventFollower:
    """Records the events of runs. `attempts` is how many runs of a task may be lost before it fails."""

    records: Records
    runs: FlowRuns
    attempts: int

    async def handle(self, state: str, run_id: str) -> None:
        """A run has entered this state of Prefect; runs without a task of ours are ignored."""
        found = await asyncio.to_thread(self.records.tasks.find_by_run, run_id)
        if found is not None:
            await HANDLERS[state](self, *found)
        elif state in ("Cancelling", "Cancelled", "Crashed"):
            await self._handle_batch(state, run_id)

    async def _handle_batch(self, state: str, run_id: str) -> None:
        """The run of a batch or chunk."""
        run = await asyncio.to_thread(self.records.unfinished_runs.find, run_id)
        if run is None:
            return
        if state == "Crashed":
            await self.lost_runs.replace(run)
        else:
            await asyncio.to_thread(self.lost_runs.cancel, run)

    @property
    def lost_runs(self) -> LostRuns:
        return LostRuns(self.records, self.runs, self.attempts, lease_seconds=0)

    async def cancelling(self, task_id: TaskId, attempt: int) -> None:
        with suppress(errors.TaskEnded):
            await asyncio.to_thread(record_cancel, task_id, attempt, self.records, final=False)

    async def cancelled(self, task_id: TaskId, attempt: int) -> None:
        await asyncio.to_thread(record_cancel, task_id, attempt, self.records, final=True)

    async def crashed(self, task_id: TaskId, attempt: int) -> None:
        await replace_lost_run(task_id, attempt, self.records, self.runs, self.attempts)

    async def retrying(self, task_id: TaskId, attempt: int) -> None:
        await asyncio.to_thread(self.records.tasks.set_state, task_id, attempt, "retrying")


HANDLERS: dict[str, Callable[[EventFollower, TaskId, int], Awaitable[None]]] = {
    "Cancelling": EventFollower.cancelling,
    "Cancelled": EventFollower.cancelled,
    "Crashed": EventFollower.crashed,
    "AwaitingRetry": EventFollower.retrying,
    "Retrying": EventFollower.retrying,
}
