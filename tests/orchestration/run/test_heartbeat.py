"""The heartbeat outlives what the database says, hears of a cancel, and meets the stage's deadline."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from penstock.domain import errors
from penstock.orchestration.run import heartbeat
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.stop_signal import StopSignal

PATIENCE_SECONDS = 30


@pytest.fixture(autouse=True)
def _beats_come_fast(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)


@contextmanager
def heart(beat) -> Iterator[Heartbeat]:
    made = Heartbeat(beat, lambda: ("transcoding", 7), StopSignal())
    with made.beating("heart"):
        yield made


def counted(answers):
    """A beat that gives these answers in turn, and an event that is set when all are given."""
    left, over = list(answers), threading.Event()

    def beat(_state, _percent):
        if not left:
            over.set()
            return False
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return beat, over


def test_it_is_silent_until_the_task_is_taken():
    beat, over = counted([])
    with heart(beat) as made:
        assert not over.wait(0.2)
        made.begin()
        assert over.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "error", [errors.DatabaseUnavailable("away"), errors.MediaError("unfit"), RuntimeError("unforeseen")]
)
def test_no_error_of_the_database_ends_it(error):
    beat, over = counted([error, error, False])
    with heart(beat) as made:
        made.begin()
        assert over.wait(PATIENCE_SECONDS)
        assert made.stop.reason is None


def test_a_cancel_is_heard_after_an_error():
    beat, _ = counted([errors.DatabaseUnavailable("away"), True])
    with heart(beat) as made:
        made.begin()
        assert made.stop.wait(PATIENCE_SECONDS)
    assert made.stop.reason == "cancelled"


def test_a_run_that_was_overtaken_hears_of_it():
    beat, _ = counted([errors.Superseded("gone")])
    with heart(beat) as made:
        made.begin()
        assert made.stop.wait(PATIENCE_SECONDS)
    assert made.stop.reason == "superseded"


def test_the_deadline_holds_before_the_task_is_taken_too():
    with heart(counted([])[0]) as made:
        made.limit(0.02)
        assert made.stop.wait(PATIENCE_SECONDS)
    assert made.stop.reason == "overdue"


def test_a_deadline_that_was_lifted_ends_nothing():
    beat, over = counted([False] * 5)
    with heart(beat) as made:
        made.limit(3600)
        made.limit(float("inf"))
        made.begin()
        assert over.wait(PATIENCE_SECONDS)
        assert not made.stop.is_set()
