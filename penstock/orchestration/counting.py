"""Writes what a process has counted to the records, every few seconds."""

import asyncio
import logging
from contextlib import suppress

from penstock.domain import errors
from penstock.services import Services

log = logging.getLogger(__name__)

# Prometheus asks every 15 to 60 s. A process that is killed loses what it counted since the last time.
SAVE_SECONDS = 10.0


async def keep_counts(services: Services) -> None:
    """Write the counts of this process for ever."""
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        await asyncio.to_thread(save_counts, services)


async def count_ended(services: Services) -> None:
    """Count the tasks that end, in all processes, for ever."""
    while True:
        with suppress(errors.DatabaseUnavailable):  # those that end meanwhile are counted afterwards
            await asyncio.to_thread(services.records.metrics.count_ended)
        await asyncio.sleep(SAVE_SECONDS)


def save_counts(services: Services) -> None:
    """Write them once. Where that fails they are kept for the next time."""
    counted = services.counts.take()
    try:
        services.records.metrics.add(counted)
    except Exception as error:  # noqa: BLE001 - no figure may end a worker, or keep it from giving back its runs
        services.counts.add_all(counted)
        log.info("what was counted is not written yet: %s", type(error).__name__)
