"""The heartbeat survives every error of the database, learns of a cancel, and keeps the stage's deadline."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from penstock.domain import errors
from penstock.orchestration.run import heartbeat
from penstock.orchestration.run.heartbeat import Heartbeat, RunProgress

WAIT_SECONDS = 30


@pytest.fixture(autouse=True)
def _beats_every_10_ms(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)


@contextmanager
def running(report) -> Iterator[Heartbeat]:
    made = Heartbeat(report)
    with made.running("heartbeat"):
        yield made


def scripted(results):
    """A report with these results in turn, and an event that is set when it has returned all of them."""
    left, done = list(results), threading.Event()

    def report(_state, _percent):
        if not left:
            done.set()
            return False
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return report, done


def test_it_reports_nothing_until_the_task_is_taken():
    report, done = scripted([])
    with running(report) as beating:
        assert not done.wait(0.2)
        beating.begin()
        assert done.wait(WAIT_SECONDS)


def test_it_reports_state_and_percent():
    reported, done = [], threading.Event()

    def report(state, percent):
        reported.append((state, percent))
        done.set()
        return False

    with running(report) as beating:
        beating.progress.begin("transcoding")
        beating.progress.set_percent(7)
        beating.begin()
        assert done.wait(WAIT_SECONDS)
    assert reported[0] == ("transcoding", 7)


@pytest.mark.parametrize(
    "error", [errors.DatabaseUnavailable("away"), errors.MediaError("unfit"), RuntimeError("unexpected")]
)
def test_no_error_of_the_database_ends_it(error):
    report, done = scripted([error, error, False])
    with running(report) as beating:
        beating.begin()
        assert done.wait(WAIT_SECONDS)
        assert beating.stop.reason is None


def test_a_cancel_is_learnt_after_an_error():
    report, _ = scripted([errors.DatabaseUnavailable("away"), True])
    with running(report) as beating:
        beating.begin()
        assert beating.stop.wait(WAIT_SECONDS)
    assert beating.stop.reason == "cancelled"


def test_a_superseded_run_is_stopped():
    report, _ = scripted([errors.Superseded("gone")])
    with running(report) as beating:
        beating.begin()
        assert beating.stop.wait(WAIT_SECONDS)
    assert beating.stop.reason == "superseded"


def test_the_deadline_holds_before_the_task_is_taken_too():
    with running(scripted([])[0]) as beating:
        beating.set_deadline(0.02)
        assert beating.stop.wait(WAIT_SECONDS)
    assert beating.stop.reason == "overdue"


def test_a_deadline_that_was_removed_stops_nothing():
    report, done = scripted([False] * 5)
    with running(report) as beating:
        beating.set_deadline(3600)
        beating.set_deadline(float("inf"))
        beating.begin()
        assert done.wait(WAIT_SECONDS)
        assert not beating.stop.is_set()


def test_a_new_stage_starts_at_zero_percent():
    progress = RunProgress()
    progress.set_percent(70)
    progress.begin("uploading")

    assert progress.read() == ("uploading", 0)
