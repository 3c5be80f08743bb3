"""Slots that Prefect counts and no run holds are freed; those that a run holds never."""

import asyncio
from dataclasses import dataclass, field

import pytest

from penstock.orchestration.reconcile.leaked_slots import LeakedSlots
from tests.records.rows import video_request


@dataclass
class Prefect:
    """Counts this many slots as taken: in each check the next number, the last one for ever."""

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
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.record_slot(task.id, 1, "me", slot)
    return task


def freed_after(leaked, clock, *times):
    for now in times:
        clock.now = now
        asyncio.run(leaked.free())
    return leaked.runs.freed


@pytest.fixture
def leaked(separate_records):
    clock = Clock()
    return LeakedSlots(separate_records, Prefect([2]), 15, check_seconds=0, clock=clock), clock


def test_slots_without_a_holder_are_freed_after_a_while(leaked):
    assert freed_after(*leaked, 0, 14) == []
    assert freed_after(*leaked, 15) == [2]


def test_a_held_slot_is_not_freed(leaked):
    hold(leaked[0].records)

    assert freed_after(*leaked, 0, 15, 30) == [1]


def test_slots_that_live_runs_request_or_hold_are_no_leak(leaked):
    hold(leaked[0].records, "asking")
    hold(leaked[0].records, "a lease")

    assert freed_after(*leaked, 0, 15, 30) == []


def test_an_attempt_that_has_ended_holds_no_slot(leaked):
    records = leaked[0].records
    hold(records)
    records.tasks.end(hold(records, "lease").id, 1, "failed")

    assert freed_after(*leaked, 0, 15) == [1]


def test_a_check_without_a_leak_starts_the_time_anew(leaked):
    leaked_slots, clock = leaked
    assert freed_after(leaked_slots, clock, 0) == []
    leaked_slots.runs.counts = [2, 0, 0, 2]
    assert freed_after(leaked_slots, clock, 14) == []
    assert freed_after(leaked_slots, clock, 16, 30) == []
    assert freed_after(leaked_slots, clock, 31) == [2]
