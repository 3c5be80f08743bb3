"""Work that never ends, kept going."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


async def kept_going(work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever: what it did not foresee is logged whole, and it begins again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("%s broke off and begins again", getattr(work, "__name__", work))
        await asyncio.sleep(PAUSE_SECONDS)
