"""Lines of a chunk are handed out again while there is hope."""

import pytest

from penstock.batches.lines_in_work import TRIES, WAITS, LineOutcome, LinesInWork
from penstock.domain import errors
from tests.orchestration.conftest import task_of

TASK = task_of(url="https://example.com/a.mp4")
BUSY = LineOutcome(TASK, "busy")
AWAY = LineOutcome(TASK, "failed", errors.OriginUnavailable("Away."))
BROKEN = LineOutcome(TASK, "failed", errors.InputUnreadable("Broken."))


def settled_after(lines: LinesInWork, outcome: LineOutcome) -> tuple[int, LineOutcome]:
    """How often the line was handed out until it had ended, and how."""
    for times in range(1, 1000):
        assert lines.take(16) == [TASK]
        if settled := lines.settle([outcome]):
            return times, settled[0]
    pytest.fail("handed out for ever")


def test_a_line_whose_output_another_makes_gets_a_run_of_its_own_at_last():
    times, outcome = settled_after(LinesInWork([TASK], 1), BUSY)

    assert (times, outcome) == (WAITS, LineOutcome(TASK, "released"))


def test_waiting_for_another_counts_as_no_try():
    lines = LinesInWork([TASK], 1)
    for _ in range(WAITS - 1):
        lines.settle([BUSY] if lines.take(1) else [])

    assert settled_after(lines, AWAY) == (TRIES, AWAY)


def test_an_error_that_stays_ends_a_line_at_once():
    assert settled_after(LinesInWork([TASK], 1), BROKEN) == (1, BROKEN)


def test_the_sentence_tells_how_the_lines_ended():
    lines = LinesInWork([TASK], 1)
    lines.settle([LineOutcome(TASK, "completed"), LineOutcome(TASK, "completed"), BROKEN])

    assert lines.sentence == "2 converted, 1 failed"
