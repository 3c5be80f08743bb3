"""A service that a command started ends when it has been unused for long enough, and never before."""

import os
import time
from contextlib import ExitStack

import pytest

from penstock.host.home import Home
from penstock.host.lingering import Lingering


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path / "home")


def lingering(home, clock, *, work=0):
    return Lingering(home, 600.0, lambda: bool(work), ExitStack(), clock)


def test_it_ends_only_after_its_time(home, clock):
    service = lingering(home, clock)
    assert not service.close_if_over()
    clock.now = 599
    assert not service.close_if_over()
    clock.now = 601
    assert service.close_if_over()


def test_a_command_that_uses_it_keeps_it(home, clock):
    service = lingering(home, clock)
    with home.use():
        assert not service.close_if_over()
        clock.now = 10_000
        assert not service.close_if_over()
    clock.now = 10_599
    assert not service.close_if_over()


def test_a_request_to_the_api_counts_anew(home, clock):
    service = lingering(home, clock)
    with home.use():
        service.close_if_over()
    clock.now = 599
    home.mark_used()
    assert not service.close_if_over()
    clock.now = 601
    assert not service.close_if_over()


def test_unfinished_work_keeps_it(home, clock):
    service = lingering(home, clock, work=1)
    service.close_if_over()
    clock.now = 601
    assert not service.close_if_over()


def test_a_clock_of_the_day_that_jumps_ends_nothing(home, clock):
    with home.use():
        pass
    service = lingering(home, clock)
    service.close_if_over()
    os.utime(home.root / "service.users", (0, time.time() - 86_400))
    clock.now = 601
    assert not service.close_if_over()


def test_one_that_shall_not_linger_ends_when_it_is_unused(home, clock):
    service = lingering(home, clock)
    service.end_when_unused()
    with home.use():
        assert not service.close_if_over()
    assert service.close_if_over()


def test_no_command_begins_to_use_it_while_it_closes(home, clock):
    service = lingering(home, clock)
    service.end_when_unused()
    assert service.close_if_over()
    with service.closed, home.close_if_unused() as can_close:
        assert not can_close
    with home.close_if_unused() as can_close:
        assert can_close


def test_a_service_that_closes_is_not_used(home):
    with home.use():
        assert home.is_used()
    with home.close_if_unused():
        assert not home.is_used()


def test_the_home_knows_which_process_has_claimed_it(home):
    assert home.claimed_by() is None
    with home.claim():
        assert home.claimed_by() == os.getpid()
    assert home.claimed_by() is None
