"""A worker is alive once it has joined or sent a heartbeat between two updates, until it is silent."""

from dataclasses import dataclass

import pytest

from penstock.orchestration.prefect_health import SILENT_SECONDS, LiveWorkers


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def updated(clock, *updates):
    workers = LiveWorkers(clock)
    for heartbeats in updates:
        workers.update(heartbeats)
    return workers


def test_no_worker_is_alive_where_there_is_none(clock):
    assert not updated(clock, {}, {}).any_alive()


def test_a_worker_that_prefect_still_calls_online_after_its_death_does_not_count(clock):
    assert not updated(clock, {"dead": "12:00"}, {"dead": "12:00"}).any_alive()


def test_a_worker_that_joins_between_updates_counts_at_once(clock):
    assert updated(clock, {"dead": "12:00"}, {"dead": "12:00", "new": "12:01"}).any_alive()


def test_a_worker_of_the_first_update_counts_from_its_next_heartbeat(clock):
    assert updated(clock, {"old": "12:00"}, {"old": "12:10"}).any_alive()


def test_a_silent_worker_counts_no_longer(clock):
    workers = updated(clock, {}, {"worker": "12:00"})
    clock.now = SILENT_SECONDS
    workers.update({"worker": "12:00"})

    assert not workers.any_alive()


def test_a_worker_that_left_counts_no_longer(clock):
    assert not updated(clock, {}, {"worker": "12:00"}, {}).any_alive()
