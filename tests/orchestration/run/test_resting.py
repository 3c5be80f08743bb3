"""Another try of a stage waits as long as the origin asked for, and hears a cancel meanwhile."""

import threading
import time

import pytest

from penstock.domain import errors
from penstock.domain.ids import new_task_id
from penstock.orchestration.run.attempt import Attempt


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(new_task_id(), 1, "me")


def fails(attempt: Attempt, seconds: float) -> None:
    with pytest.raises(errors.OriginUnavailable), attempt.stage("fetch", 60):
        raise errors.OriginUnavailable("Busy.", retry_after_seconds=seconds)


def test_another_try_comes_no_sooner_than_the_origin_asked_for(attempt: Attempt):
    began = time.monotonic()
    fails(attempt, 0.2)
    assert attempt.state == "retrying"
    with attempt.stage("fetch", 60):
        assert time.monotonic() - began >= 0.2


def test_a_cancel_ends_the_wait(attempt: Attempt):
    fails(attempt, 300)
    threading.Timer(0.1, attempt.stop.stop, ["cancelled"]).start()
    began = time.monotonic()
    with pytest.raises(errors.Cancelled), attempt.stage("fetch", 60):
        pytest.fail("the stage was begun")
    assert time.monotonic() - began < 10


def test_an_error_that_asks_for_nothing_is_tried_again_at_once(attempt: Attempt):
    fails(attempt, 0)
    began = time.monotonic()
    with attempt.stage("fetch", 60):
        assert time.monotonic() - began < 5
