"""The server ends long polls when it stops, and keeps idle connections."""

import asyncio

from penstock.api import create_app
from penstock.api.long_poll import LongPolls
from penstock.api.server import Server
from tests.orchestration.conftest import task_of


def test_a_stop_ends_long_polls():
    assert asyncio.run(asked_and_stopped()).status == "processing"


async def asked_and_stopped():
    polls, task = LongPolls(), task_of(url="https://example.com/clip.mov")
    asked = asyncio.Event()

    async def read():
        asked.set()
        return task

    answer = asyncio.create_task(polls.wait_for_end(task, read, 3600))
    await asked.wait()
    polls.close()
    return await asyncio.wait_for(answer, 5)


def test_idle_connections_are_kept_longer_than_clients_keep_them(parts, runs):
    assert Server(create_app(parts, runs)).config.timeout_keep_alive > 60
