"""Background work of a process that never ends: restarted after an error; the hourly removal of old scratch folders."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from penstock.host.scratch import CREATION_SECONDS, remove_dead_folders

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
HOUR_SECONDS = 3600.0


async def keep_running(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever: an error is logged with its traceback, and `work` is started again a second later."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s failed and is restarted", getattr(work, "__name__", work))
        await asyncio.sleep(PAUSE_SECONDS)


async def sweep_scratch_hourly(scratch: Path, newborn_seconds: float = CREATION_SECONDS) -> None:
    """Remove the scratch folders that no process holds: now, and every hour.

    For hosts that run no flows: plans and uploads make scratch folders there, and a crash leaves them behind."""
    while True:
        if count := await asyncio.to_thread(remove_dead_folders, scratch, newborn_seconds):
            log.info("removed %d scratch folders", count)
        await asyncio.sleep(HOUR_SECONDS)
