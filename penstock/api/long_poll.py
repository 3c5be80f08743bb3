"""Long polls: requests that wait for the end of a task without holding a thread. One listener wakes them all."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from penstock.domain.task import Task
from penstock.records import notifications

# Notifications are lost with their connection, so a waiting task is read again at this interval.
POLL_SECONDS = 5.0


class LongPolls:
    def __init__(self) -> None:
        self._events: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = False

    def close(self) -> None:
        """Answer all waiting requests now, and let no more wait."""
        self._closed = True
        self._wake("")

    @asynccontextmanager
    async def listening(self, url: str) -> AsyncIterator[None]:
        """Listen to the database at `url` for ended tasks during the block."""
        listener = asyncio.create_task(self._listen(url))
        try:
            yield
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def wait_for_end(self, task: Task, read: Callable[[], Awaitable[Task]], seconds: float) -> Task:
        """The task when it has ended, or as it is after `seconds`. `read` reads it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with self._event_of(task.id) as event:
            while (task := await read()).status == "processing" and (left := deadline - loop.time()) > 0:
                if self._closed:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left, POLL_SECONDS))
                event.clear()
        return task

    async def _listen(self, url: str) -> None:
        async for _, task_id in notifications.listen(url, notifications.TASK):
            self._wake(task_id)

    def _wake(self, task_id: str) -> None:
        """Wake the requests for one task; all requests if the id is empty."""
        waiting = [self._events[task_id]] if task_id in self._events else []
        for events in waiting or (() if task_id else tuple(self._events.values())):
            for event in events:
                event.set()

    @contextmanager
    def _event_of(self, task_id: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._events[task_id].add(event)
        try:
            yield event
        finally:
            self._events[task_id].discard(event)
            if not self._events[task_id]:
                del self._events[task_id]
