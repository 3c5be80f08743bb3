"""Slots are shared by project: many requests of one do not keep another waiting."""

import asyncio
from contextlib import suppress

import pytest

from penstock.api.throttling.fair_share import FairShare
from penstock.domain import errors
from penstock.domain.ids import ProjectId

CROWD, OTHER, THIRD = ProjectId("crowd"), ProjectId("other"), ProjectId("third")


class Worked:
    """Who has had a place, in order; each keeps it until it is let go."""

    def __init__(self, turns: FairShare) -> None:
        self.turns, self.order = turns, []
        self.leave = asyncio.Semaphore(0)

    def ask(self, project: ProjectId) -> asyncio.Task[None]:
        return asyncio.create_task(self._work(project))

    async def _work(self, project: ProjectId) -> None:
        async with self.turns.slot(project):
            self.order.append(project)
            await self.leave.acquire()

    async def end(self, count: int) -> None:
        for _ in range(count):
            self.leave.release()
            await settled()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def crowded(places: int, crowd: int, *late: ProjectId) -> list[ProjectId]:
    work = Worked(FairShare(places))
    tasks = [work.ask(CROWD) for _ in range(crowd)]
    await settled()
    tasks += [work.ask(project) for project in late]
    await settled()
    await work.end(len(tasks))
    await asyncio.gather(*tasks)
    return work.order


def test_a_project_without_slots_gets_the_next_one():
    assert asyncio.run(crowded(2, 10, OTHER))[:4] == [CROWD, CROWD, OTHER, CROWD]


def test_projects_with_equally_many_slots_take_turns():
    order = asyncio.run(crowded(1, 3, OTHER, OTHER, THIRD, THIRD))

    assert order == [CROWD, CROWD, OTHER, THIRD, CROWD, OTHER, THIRD]


def test_a_single_project_may_use_all_slots():
    assert asyncio.run(crowded(2, 5)) == [CROWD] * 5


def test_the_waiting_requests_of_a_project_are_limited():
    async def asked() -> None:
        work = Worked(FairShare(1, max_waiting=2))
        tasks = [work.ask(CROWD) for _ in range(4)]
        others = [work.ask(OTHER) for _ in range(2)]
        await settled()
        with pytest.raises(errors.RateLimited, match="2 requests of this project"):
            await tasks[3]
        await work.end(5)
        await asyncio.gather(*tasks[:3], *others)

    asyncio.run(asked())


def test_a_cancelled_request_leaves_its_turn_to_others():
    async def asked() -> list[ProjectId]:
        work = Worked(FairShare(1))
        holder, waiting, following = work.ask(CROWD), work.ask(OTHER), work.ask(THIRD)
        await settled()
        waiting.cancel()
        await settled()
        work.leave.release()
        await settled()
        following.cancel()  # in its place
        with suppress(asyncio.CancelledError):
            await following
        last = work.ask(OTHER)
        await work.end(1)
        await asyncio.gather(holder, last)
        return work.order

    assert asyncio.run(asked()) == [CROWD, THIRD, OTHER]


def test_a_request_cancelled_with_its_slot_releases_it():
    async def asked() -> list[ProjectId]:
        work = Worked(FairShare(1))
        work.ask(CROWD)
        waiting, following = work.ask(OTHER), work.ask(THIRD)
        await settled()
        work.leave.release()
        await asyncio.sleep(0)  # the holder has left, and whoever follows has not yet been woken
        waiting.cancel()
        await work.end(1)
        await following
        return work.order

    assert asyncio.run(asked())[-1] == THIRD
