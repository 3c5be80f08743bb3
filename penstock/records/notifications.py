"""What the records call out: listening to PostgreSQL's NOTIFY, for as long as one likes.

Channels: `penstock_outbox` (an attempt waits for a run, or one has begun and made room), `penstock_task`
(a task has ended); the payload is the task's id.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from psycopg import AsyncConnection, Error, sql

OUTBOX = "penstock_outbox"
TASK = "penstock_task"
RECONNECT_SECONDS = 0.5


async def listen(url: str, *channels: str) -> AsyncGenerator[tuple[str, str], None]:
    """Channel and payload of each notice. An empty payload, on each channel after every (re)connection, says that
    something may have been missed: look at everything."""
    while True:
        try:
            async with aclosing(_listen(url, channels)) as heard:
                async for notice in heard:
                    yield notice
        except (Error, OSError):
            await asyncio.sleep(RECONNECT_SECONDS)


async def _listen(url: str, channels: tuple[str, ...]) -> AsyncGenerator[tuple[str, str], None]:
    async with await AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        for channel in channels:
            yield channel, ""
        async with aclosing(connection.notifies()) as heard:
            async for notice in heard:
                yield notice.channel, notice.payload
