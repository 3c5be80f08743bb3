"""A worker process: one Prefect worker for images and one for everything else, woken by Prefect's events."""

import asyncio
import logging
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter

from penstock.host.free_space import has_room
from penstock.host.local_workers import DRAIN_SIGNAL, registered_worker
from penstock.orchestration.counting import keep_counts, save_counts
from penstock.orchestration.flow_run_options import POOL
from penstock.orchestration.worker.dead_workers import remove_workers
from penstock.orchestration.worker.run_pool import QueuePlaces
from penstock.orchestration.worker.warm_worker import WarmWorker
from penstock.services import Services
from penstock.settings import Settings

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
WAKING_EVENTS = ("prefect.flow-run.Scheduled", "prefect.flow-run.AwaitingRetry")
RECONNECT_SECONDS = 1.0
GIVE_BACK_SECONDS = 10.0
LEAVE_SECONDS = 2.0
NO_ROOM = "no new run is taken: less than PENSTOCK_MIN_FREE_BYTES is free on the disk of the home"
ROOM_AGAIN = "new runs are taken again: the disk of the home has room"


async def run_worker(places: tuple[QueuePlaces, ...], services: Services, name: str) -> bool:
    """Serve the pool until SIGTERM or SIGINT; then drain, and give back the runs that are still running.

    SIGUSR1 drains without a time limit; returns whether it did. `penstock worker drain` finds the worker by `name`."""
    room = Room(services.settings)
    workers = [WarmWorker(POOL, _name(each), each, services.records, room.is_free) for each in places]
    stop, drain, connected = asyncio.Event(), asyncio.Event(), asyncio.Event()
    for number, event in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (DRAIN_SIGNAL, drain)):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    told = [asyncio.create_task(event.wait()) for event in (stop, drain)]
    with registered_worker(services.settings.root, name):
        serving = [asyncio.create_task(keep_counts(services)), *await _serve(workers, connected, told)]
        await _end_runs(workers, services, told[0])
        await asyncio.to_thread(save_counts, services)
    for task in (*told, *serving):
        task.cancel()
    await _leave_pool(workers)
    failed = [error for error in await asyncio.gather(*serving, return_exceptions=True) if isinstance(error, Exception)]
    if failed:
        raise failed[0]
    return drain.is_set() and not stop.is_set()


@dataclass
class Room:
    """Whether the disk has room for new runs. Those that are not taken stay queued; those that are running may free
    space as they end."""

    settings: Settings
    was_free: bool = True

    def is_free(self) -> bool:
        """Logs where it changes, and not at every poll."""
        is_free = has_room(self.settings.scratch, self.settings.min_free_bytes)
        if is_free != self.was_free:
            log.warning(ROOM_AGAIN if is_free else NO_ROOM)
        self.was_free = is_free
        return is_free


async def _serve(
    workers: list[WarmWorker], connected: asyncio.Event, told: list[asyncio.Task[Any]]
) -> list[asyncio.Task[None]]:
    """Serve until told to stop or drain; the tasks of the workers, which go on."""
    serving = [asyncio.create_task(_listen(workers, connected))]
    # Workers join only once events arrive, so that a worker seen in Prefect starts runs at once, not at its next poll.
    connecting = asyncio.create_task(connected.wait())
    await asyncio.wait([connecting, *told], timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    connecting.cancel()
    endless = [work() for worker in workers for work in (worker.start, worker.poll_when_woken)]
    serving += [asyncio.create_task(work) for work in endless]
    await asyncio.wait([*serving, *told], return_when=asyncio.FIRST_COMPLETED)
    return serving


async def _end_runs(workers: list[WarmWorker], services: Services, stopping: asyncio.Task[Any]) -> None:
    """Take no new runs and wait for those that are running: without a limit until told to stop."""
    services.resumable.give_back_all()
    if not stopping.done():
        ending = asyncio.create_task(_drain(workers, None))
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
    await _drain(workers, services.settings.drain_seconds)
    services.live.give_back_all()
    await _drain(workers, GIVE_BACK_SECONDS)


async def _leave_pool(workers: list[WarmWorker]) -> None:
    """So that the Prefect UI lists no dead workers. If Prefect is away, the hourly sweep removes them."""
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await remove_workers(worker.name for worker in workers)


def _name(places: QueuePlaces) -> str:
    """What the Prefect UI lists."""
    return " ".join(filter(None, ("penstock", socket.gethostname(), str(os.getpid()), places.queue)))


async def _drain(workers: list[WarmWorker], seconds: float | None) -> None:
    await asyncio.gather(*(worker.drain(seconds) for worker in workers))


async def _listen(workers: list[WarmWorker], connected: asyncio.Event) -> None:
    """Wake the workers for ever; Prefect's own slow polls find what is missed while the connection is down."""
    while True:
        try:
            await _wake_on_events(workers, connected)
        except Exception as error:  # noqa: BLE001 - the websocket client has no common base error
            log.info("the event stream of Prefect is down: %s", type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _wake_on_events(workers: list[WarmWorker], connected: asyncio.Event) -> None:
    """Wake the workers of a queue whenever a run of it is scheduled."""
    async with get_client() as client:
        pool = await client.read_work_pool(POOL)
    wanted = EventFilter(
        event=EventNameFilter(name=list(WAKING_EVENTS)),
        any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{pool.id}"]),
    )
    async with get_events_subscriber(filter=wanted, reconnect_on_clean_close=True) as events:
        connected.set()
        async for event in events:
            queue = _queue_of(event)
            for worker in workers:
                if queue is None or worker.places.serves(queue):
                    worker.wake.set()


def _queue_of(event: Event) -> str | None:
    return next((related.name for related in event.related if related.role == "work-queue"), None)
