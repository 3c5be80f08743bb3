"""A run stops for one reason, the first; only an overdue stage may be tried again."""

import itertools
import threading
from functools import partial

import pytest

from penstock.domain import errors
from penstock.orchestration.run.stop_signal import StopSignal

FINAL = ("cancelled", "given_back", "superseded")
ALL = (*FINAL, "overdue")
WAIT_SECONDS = 30


def stopped_by(*reasons) -> StopSignal:
    signal = StopSignal()
    for reason in reasons:
        signal.stop(reason)
    return signal


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(FINAL, 2)])
def test_the_first_reason_holds(first, second):
    assert stopped_by(first, second).reason == first


@pytest.mark.parametrize("reason", FINAL)
def test_overdue_hides_no_other_reason(reason):
    assert stopped_by("overdue", reason).reason == reason
    assert stopped_by(reason, "overdue").reason == reason


@pytest.mark.parametrize("reason", FINAL)
def test_a_stop_between_an_overdue_try_and_the_next_one_is_kept(reason):
    signal = stopped_by("overdue", reason)
    signal.reset_overdue()

    assert (signal.reason, signal.is_set()) == (reason, True)


def test_an_overdue_stage_may_be_tried_again():
    signal = stopped_by("overdue")
    signal.reset_overdue()

    assert (signal.reason, signal.is_set()) == (None, False)
    signal.require_unset()


@pytest.mark.parametrize("reason", ALL)
def test_a_stopped_run_must_not_continue(reason):
    with pytest.raises(errors.Cancelled):
        stopped_by(reason).require_unset()


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(ALL, 2)])
def test_of_two_simultaneous_reasons_one_holds_and_overdue_loses(one, other):
    for _ in range(50):
        signal = StopSignal()
        simultaneously(partial(signal.stop, one), partial(signal.stop, other))
        signal.reset_overdue()
        assert signal.reason in {one, other} - {"overdue"}
        assert signal.is_set()


@pytest.mark.parametrize("reason", FINAL)
def test_a_retry_at_the_moment_of_a_stop_does_not_lose_it(reason):
    for _ in range(50):
        signal = stopped_by("overdue")
        simultaneously(signal.reset_overdue, partial(signal.stop, reason))
        assert (signal.reason, signal.is_set()) == (reason, True)


def simultaneously(*calls):
    start = threading.Barrier(len(calls))
    threads = [threading.Thread(target=call_after, args=(start, call)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def call_after(start, call):
    start.wait()
    call()


@pytest.mark.parametrize("reason", ALL)
def test_a_stop_wakes_those_who_wait_on_a_condition(reason):
    signal, condition, woken = StopSignal(), threading.Condition(), threading.Event()

    def wait():
        with condition, signal.notifying(condition):
            condition.wait_for(signal.is_set, WAIT_SECONDS)
        woken.set()

    threading.Thread(target=wait, daemon=True).start()
    signal.stop(reason)
    assert woken.wait(WAIT_SECONDS / 3)
