"""Notifications of the records over PostgreSQL's LISTEN/NOTIFY.

Channels: `penstock_outbox` (an attempt needs a flow run, or one has begun, so that another may be submitted),
`penstock_task` (a task has ended). The payload is the task's id. `penstock_delivery` (webhooks and
events are to be sent), without a payload.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from psycopg import AsyncConnection, Error, sql

OUTBOX = "penstock_outbox"
TASK = "penstock_task"
DELIVERY = "penstock_delivery"
RECONNECT_SECONDS = 0.5


async def listen(url: str, *channels: str) -> AsyncGenerator[tuple[str, str], None]:
    """Channel and payload of each notification, forever; reconnects when the connection is lost.

    After each (re)connection every channel yields an empty payload: notifications may have been missed."""
    while True:
        try:
            async with aclosing(_listen(url, channels)) as notifications:
                async for notification in notifications:
                    yield notification
        except (Error, OSError):
            await asyncio.sleep(RECONNECT_SECONDS)


async def _listen(url: str, channels: tuple[str, ...]) -> AsyncGenerator[tuple[str, str], None]:
    async with await AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        for channel in channels:
            yield channel, ""
        async with aclosing(connection.notifies()) as notifications:
            async for notification in notifications:
                yield notification.channel, notification.payload
