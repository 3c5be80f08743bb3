"""A busy key is looked up now and then, not at every request; and asks no faster than it may."""

import asyncio

import pytest

from penstock.api.callers import REMEMBERED_SECONDS, Callers
from penstock.api.rates import Rates
from penstock.domain.ids import new_key_id
from penstock.services import Services

from .conftest import Project


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_revoked_key_is_forgotten_within_two_seconds(parts: Services, project: Project, clock: Clock):
    callers = Callers(parts.records.keys, clock)
    caller = asyncio.run(callers.of(project.key))
    parts.records.keys.revoke(caller.key_id)
    clock.now = REMEMBERED_SECONDS

    assert caller.project_id == project.id
    assert asyncio.run(callers.of(project.key)) is None


def test_a_new_key_works_at_once(parts: Services, project: Project, clock: Clock):
    callers = Callers(parts.records.keys, clock)

    assert asyncio.run(callers.of("to be")) is None
    parts.records.keys.ensure_default("to be")
    assert asyncio.run(callers.of("to be")) is not None


def test_a_third_of_a_minutes_requests_may_come_at_once(clock: Clock):
    rates, key_id = Rates(60, clock), new_key_id()

    assert [rates.take(key_id) for _ in range(20)] == [0] * 20
    assert rates.take(key_id) == 1


def test_the_right_to_ask_comes_back_with_time(clock: Clock):
    rates, key_id = Rates(6, clock), new_key_id()
    assert [rates.take(key_id) for _ in range(3)] == [0, 0, 10]

    clock.now = 10
    assert [rates.take(key_id), rates.take(key_id)] == [0, 10]


def test_keys_do_not_slow_each_other(clock: Clock):
    rates = Rates(3, clock)

    assert [rates.take(new_key_id()) for _ in range(3)] == [0, 0, 0]
