"""A worker counts once it has joined or beaten while we look, and until it is silent."""

from dataclasses import dataclass

import pytest

from penstock.orchestration.live_workers import SILENT_SECONDS, JoinedWorkers


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def looked(clock, *looks):
    joined = JoinedWorkers(clock)
    for beats in looks:
        joined.see(beats)
    return joined


def test_nobody_has_joined_where_nobody_is(clock):
    assert not looked(clock, {}, {}).anybody()


def test_a_worker_that_prefect_still_calls_online_after_its_death_does_not_count(clock):
    assert not looked(clock, {"dead": "12:00"}, {"dead": "12:00"}).anybody()


def test_a_worker_that_joins_while_we_look_counts_at_once(clock):
    assert looked(clock, {"dead": "12:00"}, {"dead": "12:00", "new": "12:01"}).anybody()


def test_a_worker_that_was_there_counts_once_it_beats(clock):
    assert looked(clock, {"old": "12:00"}, {"old": "12:10"}).anybody()


def test_a_silent_worker_counts_no_longer(clock):
    joined = looked(clock, {}, {"worker": "12:00"})
    clock.now = SILENT_SECONDS
    joined.see({"worker": "12:00"})

    assert not joined.anybody()


def test_a_worker_that_left_counts_no_longer(clock):
    assert not looked(clock, {}, {"worker": "12:00"}, {}).anybody()
