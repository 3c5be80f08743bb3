"""Transcodes run beside each other, until one asks to be alone."""

import threading
from contextlib import ExitStack

import pytest

from penstock.domain import errors
from penstock.domain.ids import new_task_id
from penstock.orchestration.run import exclusive
from penstock.orchestration.run.attempt import Attempt
from penstock.orchestration.run.exclusive import Neighbours

SOON_SECONDS = 0.3


@pytest.fixture
def run():
    return Attempt(new_task_id(), 1, "me")


def entered(place, run):
    """Whether a thread has come in, and what lets it out again."""
    inside, leave = threading.Event(), threading.Event()

    def work():
        with place(run):
            inside.set()
            leave.wait()

    threading.Thread(target=work, daemon=True).start()
    return inside, leave


def test_several_work_at_once(run):
    here = Neighbours()
    with ExitStack() as together:
        together.enter_context(here.shared(run))
        together.enter_context(here.shared(run))
        assert here.working == 2


def test_whoever_wants_to_be_alone_waits_for_the_others(run):
    here = Neighbours()
    with here.shared(run):
        inside, leave = entered(here.by_itself, run)
        assert not inside.wait(SOON_SECONDS)
    assert inside.wait(30)
    leave.set()


def test_nobody_begins_beside_one_that_is_alone(run):
    here = Neighbours()
    with here.by_itself(run):
        inside, leave = entered(here.shared, run)
        assert not inside.wait(SOON_SECONDS)
    assert inside.wait(30)
    leave.set()


def test_two_that_want_to_be_alone_take_turns(run):
    here = Neighbours()
    with here.by_itself(run):
        inside, leave = entered(here.by_itself, run)
        assert not inside.wait(SOON_SECONDS)
    assert inside.wait(30)
    leave.set()


@pytest.mark.parametrize("place", [Neighbours.shared, Neighbours.by_itself])
def test_nobody_waits_for_ever_for_one_that_is_alone(run, monkeypatch, place):
    monkeypatch.setattr(exclusive, "ALONE_SECONDS", 0.1)
    here = Neighbours()
    with here.by_itself(run), place(here, run):
        assert here.working == 2


def test_a_cancel_ends_the_wait(run):
    here, cancelled = Neighbours(), Attempt(new_task_id(), 1, "me")
    cancelled.stop.stop("cancelled")
    with here.shared(run), pytest.raises(errors.Cancelled), here.by_itself(cancelled):
        pytest.fail("it is not alone")
    with here.by_itself(run):
        assert here.working == 1
