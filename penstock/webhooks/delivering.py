"""Sends what is due, many at once. Several processes share the work: each claims what it sends."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from penstock.domain import errors
from penstock.domain.webhooks import Delivery
from penstock.records import Records
from penstock.services import Services
from penstock.webhooks.sending import Sender

log = logging.getLogger(__name__)

# Requests at once in one process, and to one host in all.
SENDERS, PER_HOST = 32, 4
POLL_SECONDS = 1.0
EVENT_DAYS = 7.0  # Prefect keeps events as long
SWEEP_SECONDS = 600.0


async def deliver(services: Services, base_url: str, run_url: Callable[[str], str], woken: asyncio.Event) -> None:
    """Send deliveries for ever. `woken` is set when there are new ones; a poll each second finds retries.

    The threads are its own: receivers that do not answer keep none of the API's."""
    stopped = threading.Event()
    sender = Sender(services, base_url, run_url, stopped.is_set)
    pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook")
    try:
        await _send_due(services.records, pool, sender.send, woken)
    finally:
        stopped.set()
        pool.shutdown(wait=False)


async def _send_due(
    records: Records, pool: ThreadPoolExecutor, send: Callable[[Delivery], None], woken: asyncio.Event
) -> None:
    loop, busy = asyncio.get_running_loop(), set[asyncio.Future[None]]()

    def on_sent(sent: asyncio.Future[None]) -> None:
        busy.discard(sent)
        woken.set()
        if not sent.cancelled() and (error := sent.exception()):
            log.error("a delivery failed by an error of ours", exc_info=error)

    while True:
        woken.clear()
        for delivery in await _claimed(records, SENDERS - len(busy)):
            sent = loop.run_in_executor(pool, send, delivery)
            busy.add(sent)
            sent.add_done_callback(on_sent)
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await woken.wait()
        except TimeoutError:
            continue


async def _claimed(records: Records, free: int) -> list[Delivery]:
    if free == 0:
        return []
    try:
        return await asyncio.to_thread(records.deliveries.claim_due, free, PER_HOST)
    except errors.DatabaseUnavailable:
        return []


async def sweep_deliveries(records: Records, days: float) -> None:
    """End deliveries that could not be made in 76 h, and delete what ended more than `days` ago: now, and every ten
    minutes."""
    while True:
        try:
            expired = await asyncio.to_thread(records.deliveries.expire)
            deleted = await asyncio.to_thread(records.deliveries.delete_older, days)
            await asyncio.to_thread(records.event_outbox.delete_older, EVENT_DAYS)
            log.info("deliveries: %d expired, %d deleted", expired, deleted)
        except errors.DatabaseUnavailable:
            log.warning("the deliveries could not be swept: the database is unavailable")
        await asyncio.sleep(SWEEP_SECONDS)
