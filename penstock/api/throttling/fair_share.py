"""Slots for expensive work, shared fairly between projects."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from penstock.domain import errors
from penstock.domain.ids import ProjectId

RETRY_SECONDS = 2


class FairShare:
    """`slots` for one kind of work. A free slot goes to the waiting project that holds the fewest; projects with
    equally many take turns. `max_waiting` limits the waiting requests of one project."""

    def __init__(self, slots: int, max_waiting: int | None = None) -> None:
        self._free, self._max_waiting = slots, max_waiting
        self._held: Counter[ProjectId] = Counter()
        # The waiting requests by project, the project that was served longest ago first.
        self._queues: OrderedDict[ProjectId, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def slot(self, project: ProjectId) -> AsyncIterator[None]:
        """Hold a slot during the block. Raises `RateLimited` if too many requests of the project wait."""
        await self._acquire(project)
        try:
            yield
        finally:
            self._release(project)

    async def _acquire(self, project: ProjectId) -> None:
        if self._free:
            self._free -= 1
            self._held[project] += 1
            return
        turn = self._enqueue(project)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the slot was assigned at the same time
                self._release(project)
            raise

    def _enqueue(self, project: ProjectId) -> asyncio.Future[None]:
        queue = self._queues.setdefault(project, deque())
        if self._max_waiting is not None and len(queue) >= self._max_waiting:
            raise errors.RateLimited(
                f"{len(queue)} requests of this project are already waiting; try again in {RETRY_SECONDS} s.",
                retry_after_seconds=RETRY_SECONDS,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        return turn

    def _release(self, project: ProjectId) -> None:
        self._held[project] -= 1
        if not self._held[project]:
            del self._held[project]
        while self._queues:
            next_project = min(self._queues, key=lambda waiting: self._held[waiting])
            turn = self._dequeue(next_project)
            if not turn.done():  # else it was cancelled
                self._held[next_project] += 1
                turn.set_result(None)
                return
        self._free += 1

    def _dequeue(self, project: ProjectId) -> asyncio.Future[None]:
        queue = self._queues[project]
        turn = queue.popleft()
        self._queues.move_to_end(project)
        if not queue:
            del self._queues[project]
        return turn
