"""A stop of the API lets nobody wait."""

import asyncio

from penstock.api.waiting import Waiting
from tests.orchestration.test_naming import task_of


def test_a_stop_answers_those_who_wait():
    assert asyncio.run(asked_and_stopped()).status == "processing"


async def asked_and_stopped():
    waiting, task = Waiting(), task_of(url="https://example.com/clip.mov")
    asked = asyncio.Event()

    async def read():
        asked.set()
        return task

    answer = asyncio.create_task(waiting.end_of(task, read, 3600))
    await asked.wait()
    waiting.hang_up()
    return await asyncio.wait_for(answer, 5)
