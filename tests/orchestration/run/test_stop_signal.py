"""A run stops for one reason: the first; only a stage that was too late may be tried again."""

import itertools
import threading

import pytest

from penstock.orchestration.run.stop_signal import StopSignal

FINAL = ("cancelled", "superseded", "given_back")


def stopped_by(*reasons) -> StopSignal:
    signal = StopSignal()
    for reason in reasons:
        signal.stop(reason)
    return signal


@pytest.mark.parametrize(("first", "second"), [*itertools.permutations(FINAL, 2)])
def test_the_first_reason_holds(first, second):
    assert stopped_by(first, second).reason == first


@pytest.mark.parametrize("reason", FINAL)
def test_being_overdue_hides_no_other_reason(reason):
    assert stopped_by("overdue", reason).reason == reason
    assert stopped_by(reason, "overdue").reason == reason


@pytest.mark.parametrize("reason", FINAL)
def test_a_stop_between_an_overdue_stage_and_its_retry_is_kept(reason):
    signal = stopped_by("overdue", reason)
    signal.retry()

    assert (signal.reason, signal.is_set()) == (reason, True)


def test_an_overdue_stage_may_be_tried_again():
    signal = stopped_by("overdue")
    signal.retry()

    assert (signal.reason, signal.is_set()) == (None, False)


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations((*FINAL, "overdue"), 2)])
def test_of_two_that_come_at_once_one_holds_and_the_signal_is_set(one, other):
    for _ in range(50):
        signal, start = StopSignal(), threading.Barrier(3)
        both = [threading.Thread(target=stop_after, args=(signal, start, reason)) for reason in (one, other)]
        for thread in both:
            thread.start()
        start.wait()
        for thread in both:
            thread.join()
        signal.retry()
        assert signal.reason in {one, other} - {"overdue"}
        assert signal.is_set()


def stop_after(signal, start, reason):
    start.wait()
    signal.stop(reason)
