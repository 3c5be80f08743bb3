"""Callers are cached for two seconds, and requests are rate limited."""

import asyncio
from dataclasses import dataclass

import pytest
from anyio import CapacityLimiter

from penstock.api.api_keys import CACHE_SECONDS, CallerCache
from penstock.api.throttling.rate_limit import RateLimiter
from penstock.domain import errors
from penstock.domain.api_keys import Caller
from penstock.domain.ids import new_key_id
from penstock.records.api_keys import Keys
from penstock.services import Services
from tests.api.app import Project


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


HERE, ELSEWHERE = "192.0.2.1", "2001:db8::1"


def callers_of(parts: Services, clock: Clock, per_minute: int = 1000) -> CallerCache:
    return CallerCache(parts.records.keys, RateLimiter(per_minute, clock), CapacityLimiter(2), clock)


def test_a_revoked_key_is_forgotten_within_two_seconds(parts: Services, project: Project, clock: Clock):
    callers = callers_of(parts, clock)
    caller = asyncio.run(callers.find(project.key, HERE))
    parts.records.keys.revoke(caller.key_id)
    clock.now = CACHE_SECONDS

    assert caller.project_id == project.id
    assert asyncio.run(callers.find(project.key, HERE)) is None


def test_a_key_that_was_unknown_works_two_seconds_later(parts: Services, clock: Clock):
    callers = callers_of(parts, clock)

    assert asyncio.run(callers.find("to be", HERE)) is None
    parts.records.keys.ensure_default("to be")
    clock.now = CACHE_SECONDS
    assert asyncio.run(callers.find("to be", HERE)) is not None


def test_an_unknown_key_is_looked_up_once_in_two_seconds(parts: Services, clock: Clock):
    counted = Counted(parts.records.keys)
    callers = CallerCache(counted, RateLimiter(1000, clock), CapacityLimiter(2), clock)

    async def many() -> set[object]:
        return set(await asyncio.gather(*(callers.find("wrong", HERE) for _ in range(50))))

    assert asyncio.run(many()) == {None}
    assert counted.asked <= 2  # as many as are looked up at once


def test_an_address_that_guesses_keys_is_rate_limited_without_lookups(parts: Services, project: Project, clock: Clock):
    counted = Counted(parts.records.keys)
    callers = CallerCache(counted, RateLimiter(6, clock), CapacityLimiter(2), clock)
    for guess in ("a", "b"):
        assert asyncio.run(callers.find(guess, HERE)) is None
    with pytest.raises(errors.RateLimited) as refused:
        asyncio.run(callers.find("c", HERE))

    assert (refused.value.retry_after_seconds, counted.asked) == (10, 2)
    assert asyncio.run(callers.find(project.key, ELSEWHERE)) is not None


def test_guesses_are_counted_by_ipv6_network(parts: Services, clock: Clock):
    callers = callers_of(parts, clock, per_minute=3)
    assert asyncio.run(callers.find("a", "2001:db8::1")) is None

    with pytest.raises(errors.RateLimited):
        asyncio.run(callers.find("b", "2001:db8::2"))
    assert asyncio.run(callers.find("b", "2001:db8:0:1::2")) is None


def test_a_valid_key_works_from_an_address_that_guesses(parts: Services, project: Project, clock: Clock):
    callers = callers_of(parts, clock, per_minute=3)
    assert asyncio.run(callers.find(project.key, HERE)) is not None
    assert asyncio.run(callers.find("a", HERE)) is None
    clock.now = CACHE_SECONDS

    assert asyncio.run(callers.find(project.key, HERE)) is not None


@dataclass
class Counted:
    """Keys that count how often they are asked."""

    keys: Keys
    asked: int = 0

    def find_caller(self, token: str) -> Caller | None:
        self.asked += 1
        return self.keys.find_caller(token)


def test_only_the_latest_callers_are_counted(clock: Clock):
    rates = RateLimiter(3, clock, max_callers=2)
    for who in ("a", "b", "c"):
        rates.take(who)

    assert [rates.seconds_left(who) for who in ("a", "b", "c")] == [0, 20, 20]


def test_a_burst_is_a_third_of_a_minutes_requests(clock: Clock):
    rates, key_id = RateLimiter(60, clock), new_key_id()

    assert [rates.take(key_id) for _ in range(20)] == [0] * 20
    assert rates.take(key_id) == 1


def test_tokens_are_refilled_over_time(clock: Clock):
    rates, key_id = RateLimiter(6, clock), new_key_id()
    assert [rates.take(key_id) for _ in range(3)] == [0, 0, 10]

    clock.now = 10
    assert [rates.take(key_id), rates.take(key_id)] == [0, 10]


def test_keys_are_limited_separately(clock: Clock):
    rates = RateLimiter(3, clock)

    assert [rates.take(new_key_id()) for _ in range(3)] == [0, 0, 0]
