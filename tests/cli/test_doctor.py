"""`penstock doctor` lists the holders of the encoder slots, and slots without a holder; and compares the clocks."""

import pytest

from penstock.cli.doctor import clock_summary, slot_summary
from penstock.domain.attempts import SLOT_REQUESTED, HeldSlot
from penstock.domain.ids import TaskId

HOLDER = HeldSlot(TaskId("tsk_one"), 2, "here:7", "a lease")
WAITER = HeldSlot(TaskId("tsk_two"), 1, "here:7", SLOT_REQUESTED)


def test_the_holder_of_a_slot_is_named():
    assert slot_summary(1, 2, [HOLDER, WAITER]) == "1 of 2 taken, by tsk_one (attempt 2, here:7)"


def test_free_slots_have_no_holder():
    assert slot_summary(0, 2, []) == "0 of 2 taken"


def test_a_slot_without_a_live_run_is_reported():
    with pytest.raises(LookupError, match=r"2 of 2 taken, by tsk_one .*; 1 by no live run"):
        slot_summary(2, 2, [HOLDER])


def test_a_clock_like_the_database_s_is_right():
    assert clock_summary(-2.5) == "agrees with the database's"


@pytest.mark.parametrize(("ahead", "told"), [(172_800.2, "172,800 s ahead of"), (-172_800.2, "172,800 s behind")])
def test_a_clock_that_is_wrong_is_reported(ahead, told):
    with pytest.raises(LookupError, match=f"{told} the database's"):
        clock_summary(ahead)
