"""Places that projects share: who has the fewest comes first, and those with as many take turns."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from penstock.domain import errors
from penstock.domain.ids import ProjectId

RETRY_SECONDS = 2


class FairShare:
    """So many places for work of one kind. `waiting` is how many of one project may wait; None: any number."""

    def __init__(self, places: int, waiting: int | None = None) -> None:
        self._free, self._waiting = places, waiting
        self._held: Counter[ProjectId] = Counter()
        # By project, the one that was served longest ago first.
        self._queues: OrderedDict[ProjectId, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, project: ProjectId) -> AsyncIterator[None]:
        """Hold a place for the length of the block. Raises `RateLimited` where too many of the project wait."""
        await self._taken(project)
        try:
            yield
        finally:
            self._leave(project)

    async def _taken(self, project: ProjectId) -> None:
        if self._free:
            self._free -= 1
            self._held[project] += 1
            return
        turn = self._queued(project)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place came in the same moment
                self._leave(project)
            raise

    def _queued(self, project: ProjectId) -> asyncio.Future[None]:
        queue = self._queues.setdefault(project, deque())
        if self._waiting is not None and len(queue) >= self._waiting:
            raise errors.RateLimited(
                f"{len(queue)} requests of this project are waiting for a place; try again in {RETRY_SECONDS} s.",
                retry_after_seconds=RETRY_SECONDS,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        return turn

    def _leave(self, project: ProjectId) -> None:
        self._held[project] -= 1
        if not self._held[project]:
            del self._held[project]
        while self._queues:
            following = min(self._queues, key=lambda each: self._held[each])
            turn = self._next_of(following)
            if not turn.done():  # who was cancelled wants it no more
                self._held[following] += 1
                turn.set_result(None)
                return
        self._free += 1

    def _next_of(self, project: ProjectId) -> asyncio.Future[None]:
        queue = self._queues[project]
        turn = queue.popleft()
        self._queues.move_to_end(project)
        if not queue:
            del self._queues[project]
        return turn
