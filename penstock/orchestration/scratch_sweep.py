"""The rooms of a host that runs no flows: plans and uploads make some, and a host that is cut off leaves them."""

import asyncio
import logging
from pathlib import Path

from penstock.host.scratch import NEWBORN_SECONDS, sweep_rooms

log = logging.getLogger(__name__)

HOUR_SECONDS = 3600.0


async def tidy_rooms(rooms: Path, newborn_seconds: float = NEWBORN_SECONDS) -> None:
    """Remove the rooms that nobody holds any more: now, and every hour."""
    while True:
        if count := await asyncio.to_thread(sweep_rooms, rooms, newborn_seconds):
            log.info("cleared %d rooms", count)
        await asyncio.sleep(HOUR_SECONDS)
