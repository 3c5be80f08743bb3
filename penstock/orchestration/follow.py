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
from penstock.orchestration.repair import follow_cancel, settle_lost
from penstock.records import Records

log = logging.getLogger(__name__)

PREFIX = "prefect.flow-run."
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class News:
    """A run of ours has come to another state. `attempts` is how many may be lost."""

    task_id: TaskId
    attempt: int
    attempts: int


async def follow(records: Records, attempts: int) -> None:
    """Listen for ever. What is missed while away is found by `repair`."""
    wanted = EventFilter(event=EventNameFilter(name=[f"{PREFIX}{state}" for state in REACTIONS]))
    while True:
        try:
            async with get_events_subscriber(filter=wanted, reconnect_on_clean_close=True) as events:
                async for event in events:
                    run_id = event.resource.id.rpartition(".")[2]
                    await _react(event.event.removeprefix(PREFIX), run_id, records, attempts)
        except Exception as away:  # noqa: BLE001 - a websocket client has no root error
            log.info("events of Prefect are away: %s", type(away).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)


async def _react(state: str, run_id: str, records: Records, attempts: int) -> None:
    found = await asyncio.to_thread(records.tasks.of_run, run_id)
    if found is not None:
        await REACTIONS[state](News(*found, attempts), records)


async def _cancelling(news: News, records: Records) -> None:
    with suppress(errors.TaskEnded):
        await asyncio.to_thread(follow_cancel, news.task_id, news.attempt, records, final=False)


async def _cancelled(news: News, records: Records) -> None:
    await asyncio.to_thread(follow_cancel, news.task_id, news.attempt, records, final=True)


async def _crashed(news: News, records: Records) -> None:
    await asyncio.to_thread(settle_lost, news.task_id, news.attempt, records, news.attempts)


async def _waits_again(news: News, records: Records) -> None:
    await asyncio.to_thread(records.tasks.restate, news.task_id, news.attempt, "retrying")


Reaction = Callable[[News, Records], Awaitable[None]]
REACTIONS: dict[str, Reaction] = {
    "Cancelling": _cancelling,
    "Cancelled": _cancelled,
    "Crashed": _crashed,
    "AwaitingRetry": _waits_again,
    "Retrying": _waits_again,
}
