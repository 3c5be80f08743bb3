"""What Prefect says of our runs, told to the records: a cancel from the UI, a crash, a retry that waits."""

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
from penstock.orchestration.reconcile.reconciler import record_cancel, replace_lost_run
from penstock.records import Records

log = logging.getLogger(__name__)

PREFIX = "prefect.flow-run."
RECONNECT_SECONDS = 1.0


async def follow_prefect_events(records: Records, runs: FlowRuns, attempts: int) -> None:
    """Listen for ever. What is missed while away is found by `repair`."""
    follower = EventFollower(records, runs, attempts)
    wanted = EventFilter(event=EventNameFilter(name=[f"{PREFIX}{state}" for state in REACTIONS]))
    while True:
        try:
            async with get_events_subscriber(filter=wanted, reconnect_on_clean_close=True) as events:
                async for event in events:
                    run_id = event.resource.id.rpartition(".")[2]
                    await follower.react(event.event.removeprefix(PREFIX), run_id)
        except Exception as away:  # noqa: BLE001 - a websocket client has no root error
            log.info("events of Prefect are away: %s", type(away).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)


@dataclass(frozen=True, slots=True)
class EventFollower:
    """Brings what Prefect says of a run into the records. `attempts` is how many may be lost."""

    records: Records
    runs: FlowRuns
    attempts: int

    async def react(self, state: str, run_id: str) -> None:
        """A run has come to this state of Prefect's; one that is not ours is passed over."""
        found = await asyncio.to_thread(self.records.tasks.find_by_run, run_id)
        if found is not None:
            await REACTIONS[state](self, *found)

    async def cancelling(self, task_id: TaskId, attempt: int) -> None:
        with suppress(errors.TaskEnded):
            await asyncio.to_thread(record_cancel, task_id, attempt, self.records, final=False)

    async def cancelled(self, task_id: TaskId, attempt: int) -> None:
        await asyncio.to_thread(record_cancel, task_id, attempt, self.records, final=True)

    async def crashed(self, task_id: TaskId, attempt: int) -> None:
        await replace_lost_run(task_id, attempt, self.records, self.runs, self.attempts)

    async def waits_again(self, task_id: TaskId, attempt: int) -> None:
        await asyncio.to_thread(self.records.tasks.set_state, task_id, attempt, "retrying")


REACTIONS: dict[str, Callable[[EventFollower, TaskId, int], Awaitable[None]]] = {
    "Cancelling": EventFollower.cancelling,
    "Cancelled": EventFollower.cancelled,
    "Crashed": EventFollower.crashed,
    "AwaitingRetry": EventFollower.waits_again,
    "Retrying": EventFollower.waits_again,
}
