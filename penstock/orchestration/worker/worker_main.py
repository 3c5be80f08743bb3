"""A worker process: its lanes, woken by one stream of Prefect's events, until it is told to stop."""

import asyncio
import logging
import os
import signal
import socket

from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter

from penstock.live_runs import LiveRuns
from penstock.orchestration.flow_runs import POOL
from penstock.orchestration.queues import QueuePlaces
from penstock.orchestration.worker.warm_worker import WarmWorker

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
WAKING = ("prefect.flow-run.Scheduled", "prefect.flow-run.AwaitingRetry")
RECONNECT_SECONDS = 1.0
GIVE_BACK_SECONDS = 10.0


async def serve(lanes: tuple[QueuePlaces, ...], drain_seconds: float, live: LiveRuns) -> None:
    """Serve the pool until SIGTERM or SIGINT; then drain, and give back what is still running."""
    workers = [WarmWorker(POOL, _name(lane), lane) for lane in lanes]
    stop, connected = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    serving = [asyncio.create_task(_listen(workers, connected))]
    # Joined means ready: who sees this worker in Prefect may count on runs to begin at once, not at the next slow poll.
    hearing = asyncio.create_task(connected.wait())
    await asyncio.wait([hearing, stopping], timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    hearing.cancel()
    endless = [work() for worker in workers for work in (worker.start, worker.poll_at_news)]
    serving += [asyncio.create_task(work) for work in endless]
    await asyncio.wait([*serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    await _drained(workers, drain_seconds)
    live.give_back()
    await _drained(workers, GIVE_BACK_SECONDS)
    stopping.cancel()
    for task in serving:
        task.cancel()
    broken = [error for error in await asyncio.gather(*serving, return_exceptions=True) if isinstance(error, Exception)]
    if broken:
        raise broken[0]


def _name(lane: QueuePlaces) -> str:
    """What the UI lists, once for each lane."""
    return " ".join(filter(None, ("penstock", socket.gethostname(), str(os.getpid()), lane.queue)))


async def _drained(workers: list[WarmWorker], seconds: float) -> None:
    await asyncio.gather(*(worker.drain(seconds) for worker in workers))


async def _listen(workers: list[WarmWorker], connected: asyncio.Event) -> None:
    """Hear of every run that Prefect schedules for our pool; the slow polls behind find what is missed."""
    while True:
        try:
            await _hear(workers, connected)
        except Exception as away:  # noqa: BLE001 - a websocket client has no root error
            log.debug("events are away: %s", type(away).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _hear(workers: list[WarmWorker], connected: asyncio.Event) -> None:
    async with get_client() as client:
        pool = await client.read_work_pool(POOL)
    wanted = EventFilter(
        event=EventNameFilter(name=list(WAKING)),
        any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{pool.id}"]),
    )
    async with get_events_subscriber(filter=wanted, reconnect_on_clean_close=True) as events:
        connected.set()
        async for event in events:
            queue = _queue_of(event)
            for worker in workers:
                if queue is None or worker.lane.serves(queue):
                    worker.news.set()


def _queue_of(event: Event) -> str | None:
    return next((related.name for related in event.related if related.role == "work-queue"), None)
