"""Runs are due by the clock of the server, whatever that of the worker says."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from penstock.orchestration.server_clock import ServerClock

SECOND = timedelta(seconds=1)


def date_of(moment: datetime) -> dict[str, str]:
    return {"date": format_datetime(moment, usegmt=True)}


@pytest.mark.parametrize("days", [-2, 2])
def test_a_clock_that_is_wrong_by_days_is_adjusted_once(days):
    clock, right = ServerClock(), datetime.now(UTC) - timedelta(days=days)

    assert clock.adjust(date_of(right))
    assert abs(clock.now() - right) < 2 * SECOND
    assert not clock.adjust(date_of(right))


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}, {"date": "Mon, 30 Nov 2026 20:00:00 -0000"}])
def test_a_response_without_a_date_changes_nothing(headers):
    clock = ServerClock()

    assert not clock.adjust(headers)
    assert clock.ahead == timedelta(0)


def test_the_fraction_that_a_date_lacks_changes_nothing():
    assert not ServerClock().adjust(date_of(datetime.now(UTC) - SECOND))


def test_one_slow_response_changes_the_clock_only_until_the_next_one():
    """By a clock that stays behind every later run would begin late."""
    clock = ServerClock()
    clock.adjust(date_of(datetime.now(UTC) - 5.5 * SECOND))
    clock.adjust(date_of(datetime.now(UTC)))

    assert clock.ahead == timedelta(0)
