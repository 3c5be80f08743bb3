"""Slots that Prefect counts and nobody holds are given back; those that somebody holds never."""

import asyncio
from dataclasses import dataclass, field

import pytest

from penstock.orchestration.reconcile.leaked_slots import LeakedSlots
from tests.records.conftest import asked


@dataclass
class Prefect:
    """Counts this many slots as taken; the counts of further looks, where they differ."""

    counts: list[int]
    freed: list[int] = field(default_factory=list)

    async def active_slots(self, _limit):
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]

    async def free_slots(self, _limit, slots, _seconds):
        self.freed.append(slots)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def hold(records, slot="asking"):
    project = records.keys.new_project(f"project {slot}")
    task = records.tasks.submit(project, asked())
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.record_slot(task.id, 1, "me", slot)
    return task


def looked(leaked, clock, *times):
    for now in times:
        clock.now = now
        asyncio.run(leaked.free())
    return leaked.runs.freed


@pytest.fixture
def leaked(apart):
    clock = Clock()
    return LeakedSlots(apart, Prefect([2]), 15, check_seconds=0, clock=clock), clock


def test_slots_without_a_holder_are_given_back_after_a_while(leaked):
    assert looked(*leaked, 0, 14) == []
    assert looked(*leaked, 15) == [2]


def test_a_slot_that_is_held_stays(leaked):
    hold(leaked[0].records)

    assert looked(*leaked, 0, 15, 30) == [1]


def test_a_slot_that_is_asked_for_or_held_by_live_runs_is_no_leak(leaked):
    hold(leaked[0].records, "asking")
    hold(leaked[0].records, "a lease")

    assert looked(*leaked, 0, 15, 30) == []


def test_the_slot_of_an_attempt_that_has_ended_is_no_longer_held(leaked):
    records = leaked[0].records
    hold(records)
    records.tasks.end(hold(records, "lease").id, 1, "failed")

    assert looked(*leaked, 0, 15) == [1]


def test_a_look_that_finds_none_starts_the_time_anew(leaked):
    looking, clock = leaked
    assert looked(looking, clock, 0) == []
    looking.runs.counts = [2, 0, 0, 2]
    assert looked(looking, clock, 14) == []
    assert looked(looking, clock, 16, 30) == []
    assert looked(looking, clock, 31) == [2]
