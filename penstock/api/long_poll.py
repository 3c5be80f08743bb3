"""Waiting for the end of a task without holding a thread: one listener for the whole app wakes whoever waits."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from penstock.domain.task import Task
from penstock.records import notifications

# A notice may be lost with its connection: looked at this often nevertheless.
PATIENCE_SECONDS = 5.0


class LongPolls:
    def __init__(self) -> None:
        self._bells: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._over = False

    def hang_up(self) -> None:
        """Answer everybody now, and wait for nothing any more: the process stops."""
        self._over = True
        for bell in self._ringing(""):
            bell.set()

    @asynccontextmanager
    async def listening(self, url: str) -> AsyncIterator[None]:
        """Ring for every task that ends, as long as the block lasts."""
        listener = asyncio.create_task(self._listen(url))
        try:
            yield
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def end_of(self, task: Task, read: Callable[[], Awaitable[Task]], seconds: float) -> Task:
        """The task once it has ended, or as it is after so many seconds."""
        clock = asyncio.get_running_loop()
        deadline = clock.time() + seconds
        with self._bell(task.id) as bell:
            while (task := await read()).status == "processing" and (left := deadline - clock.time()) > 0:
                if self._over:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), min(left, PATIENCE_SECONDS))
                bell.clear()
        return task

    async def _listen(self, url: str) -> None:
        async for _, task_id in notifications.listen(url, notifications.TASK):
            for bell in self._ringing(task_id):
                bell.set()

    def _ringing(self, task_id: str) -> list[asyncio.Event]:
        waiting = [self._bells[task_id]] if task_id in self._bells else []
        return [bell for bells in waiting or (() if task_id else self._bells.values()) for bell in bells]

    @contextmanager
    def _bell(self, task_id: str) -> Iterator[asyncio.Event]:
        bell = asyncio.Event()
        self._bells[task_id].add(bell)
        try:
            yield bell
        finally:
            self._bells[task_id].discard(bell)
            if not self._bells[task_id]:
                del self._bells[task_id]
