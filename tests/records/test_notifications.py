"""Listeners are notified of changes, also after a lost connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import psycopg

from penstock.domain.ids import ProjectId
from penstock.records import Records
from penstock.records.notifications import OUTBOX, TASK, listen
from tests.records.rows import complete_task, video_request


async def until(heard: AsyncIterator[tuple[str, str]], wanted: tuple[str, str]) -> None:
    async with asyncio.timeout(10):
        async for notice in heard:
            if notice == wanted:
                return


def test_submitting_and_ending_a_task_are_notified(records: Records, project: ProjectId):
    async def run() -> None:
        async with aclosing(listen(records.url, OUTBOX, TASK)) as heard:
            await until(heard, (TASK, ""))
            task = await asyncio.to_thread(records.tasks.submit, project, video_request())
            await until(heard, (OUTBOX, task.id))
            await asyncio.to_thread(complete_task, records, task)
            await until(heard, (TASK, task.id))

    asyncio.run(run())


def test_a_listener_gets_an_empty_payload_after_reconnecting(records: Records):
    async def run() -> None:
        async with aclosing(listen(records.url, TASK)) as heard:
            await until(heard, (TASK, ""))
            await asyncio.to_thread(end_listeners, records.url)
            await until(heard, (TASK, ""))

    asyncio.run(run())


def end_listeners(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
