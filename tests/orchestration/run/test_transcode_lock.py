"""Transcodes run beside each other, until one asks to run alone."""

import threading
from contextlib import ExitStack

import pytest

from penstock.domain import errors
from penstock.domain.ids import new_task_id
from penstock.orchestration.run import transcode_lock
from penstock.orchestration.run.transcode_lock import TranscodeLock
from tests.orchestration.conftest import new_run

BLOCKED_SECONDS = 0.3
WAIT_SECONDS = 30


@pytest.fixture
def run():
    return new_run(new_task_id())


@pytest.fixture
def lock():
    return TranscodeLock()


def enter(mode, run):
    """Enter on a thread; returns whether it is inside, and what lets it leave."""
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with mode(run):
            inside.set()
            leave.wait()

    threading.Thread(target=hold, daemon=True).start()
    return inside, leave


def test_several_hold_it_at_once(run, lock):
    with ExitStack() as held:
        held.enter_context(lock.shared(run))
        held.enter_context(lock.shared(run))
        assert lock.holders == 2


def test_an_exclusive_holder_waits_for_the_others(run, lock):
    with lock.shared(run):
        inside, leave = enter(lock.exclusive, run)
        assert not inside.wait(BLOCKED_SECONDS)
    assert inside.wait(WAIT_SECONDS)
    leave.set()


def test_nobody_enters_beside_an_exclusive_holder(run, lock):
    with lock.exclusive(run):
        inside, leave = enter(lock.shared, run)
        assert not inside.wait(BLOCKED_SECONDS)
    assert inside.wait(WAIT_SECONDS)
    leave.set()


def test_two_exclusive_holders_take_turns(run, lock):
    with lock.exclusive(run):
        inside, leave = enter(lock.exclusive, run)
        assert not inside.wait(BLOCKED_SECONDS)
    assert inside.wait(WAIT_SECONDS)
    leave.set()


@pytest.mark.parametrize("mode", [TranscodeLock.shared, TranscodeLock.exclusive])
def test_nobody_waits_for_ever(run, lock, monkeypatch, mode):
    monkeypatch.setattr(transcode_lock, "MAX_WAIT_SECONDS", 0.1)
    with lock.exclusive(run), mode(lock, run):
        assert lock.holders == 2


@pytest.mark.parametrize("mode", [TranscodeLock.shared, TranscodeLock.exclusive])
def test_a_stop_wakes_a_waiting_run(run, lock, mode):
    waiting = new_run(new_task_id())
    failed = threading.Event()

    def wait():
        with pytest.raises(errors.Cancelled), mode(lock, waiting):
            pytest.fail("it entered")
        failed.set()

    with lock.exclusive(run):
        threading.Thread(target=wait, daemon=True).start()
        assert not failed.wait(BLOCKED_SECONDS)
        waiting.stop.stop("cancelled")
        assert failed.wait(WAIT_SECONDS)


def test_a_cancelled_request_to_run_alone_blocks_nobody(run, lock):
    cancelled = new_run(new_task_id())
    cancelled.stop.stop("cancelled")
    with lock.shared(run), pytest.raises(errors.Cancelled), lock.exclusive(cancelled):
        pytest.fail("it is not alone")
    with lock.shared(run):
        assert lock.holders == 1
