"""Several calls in one child process: a call that fails costs itself alone."""

import os
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.engines import NoWatch
from penstock.sandbox.call import SandboxCall
from penstock.sandbox.call_each import call_each, seconds_between
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import BACKGROUND_NICENESS, MESSAGE_BYTES, NICENESS, Paths
from penstock.sandbox.pool import SandboxPool

ANYTHING: ResultDecoder[Any] = ResultDecoder(TypeAdapter(int | float | str | None))
MEMORY_BYTES = 2**30


@pytest.fixture(scope="module")
def misbehaving():
    with SandboxPool("tests.sandbox.entrypoints") as pool:
        yield pool


def a_call(function: str, *arguments: object, seconds: float = 20, **more: Any) -> SandboxCall:
    return SandboxCall(function, arguments, Paths(), seconds, MEMORY_BYTES, file_bytes=2**20, **more)


def results(pool: SandboxPool, *requests: SandboxCall | errors.MediaError) -> list[Any]:
    """Each result; of an error its class."""
    found = [outcome.result for outcome in call_each(pool, requests, ANYTHING)]
    return [type(result) if isinstance(result, Exception) else result for result in found]


def test_one_child_makes_all_calls_in_order(misbehaving):
    first, second, text = results(misbehaving, a_call("pid", 1), a_call("pid", 2), a_call("echo", "third"))
    assert (first, text) == (second, "third")


def test_results_that_are_read_at_once_share_their_time():
    assert seconds_between(10.0, [11.0, 14.0, 14.0, 14.0, 16.0]) == [1.0, 1.0, 1.0, 1.0, 2.0]


def test_no_calls_have_no_outcomes(misbehaving):
    assert call_each(misbehaving, [], ANYTHING) == []


def test_an_error_in_place_of_a_call_is_its_own_outcome(misbehaving):
    assert results(misbehaving, errors.InputTruncated("cut"), a_call("echo", "x")) == [errors.InputTruncated, "x"]


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_call_that_crashes_the_child_costs_itself_alone(misbehaving, place):
    requests = [a_call("echo", str(number)) for number in range(5)]
    requests[place] = a_call("crash")
    expected = [str(number) for number in range(5)]
    assert results(misbehaving, *requests) == [*expected[:place], errors.InputUnreadable, *expected[place + 1 :]]


def test_a_call_that_takes_too_long_costs_itself_alone(misbehaving):
    requests = (a_call(*call, seconds=0.5) for call in (("echo", "a"), ("hang",), ("echo", "b")))
    assert results(misbehaving, *requests) == ["a", errors.InputUnreadable, "b"]


def test_each_call_has_its_own_time(misbehaving):
    assert results(misbehaving, *(a_call("wait", 0.3, seconds=0.6) for _ in range(4))) == [0.3] * 4


def test_a_call_that_needs_too_much_memory_costs_itself_alone(misbehaving):
    requests = a_call("echo", "a"), a_call("leak", 2 * MEMORY_BYTES), a_call("echo", "b")
    assert results(misbehaving, *requests) == ["a", errors.ResourceLimit, "b"]


def test_memory_that_is_left_by_calls_fails_none_of_the_others(misbehaving):
    requests = [a_call("leak", MEMORY_BYTES // 3) for _ in range(4)]
    assert all(isinstance(result, int) for result in results(misbehaving, *requests))


def test_a_call_that_writes_too_much_costs_itself_alone(misbehaving, tmp_path):
    calls = a_call("write", str(tmp_path / "a"), 2**21), a_call("write", str(tmp_path / "b"), 7)
    requests = [replace(each, paths=Paths(writing=(str(tmp_path),))) for each in calls]
    assert results(misbehaving, *requests) == [errors.ResourceLimit, 7]


@pytest.mark.parametrize(
    "text",
    ["no JSON\n", '{"value": 1e400}\n', '{"error": {"name": "Cancelled", "message": "", "detail": ""}}\n', "{" * 9000],
)
def test_a_line_that_no_function_writes_is_no_result(misbehaving, text):
    assert results(misbehaving, a_call("lie", text), a_call("echo", "b")) == [errors.InputUnreadable, "b"]


def test_lines_beyond_the_calls_are_ignored(misbehaving):
    requests = a_call("echo", "a"), a_call("lie", '{"value": 1}\n' * 1000)
    assert results(misbehaving, *requests) == ["a", 1]


def test_calls_that_do_not_fit_into_one_message_are_made_by_several_children(misbehaving):
    texts = [letter * (MESSAGE_BYTES // 100) for letter in "abcdefghij" * 30]
    decoder = ResultDecoder(TypeAdapter(str))
    found = [outcome.result for outcome in call_each(misbehaving, [a_call("echo", text) for text in texts], decoder)]
    assert found == texts


def test_a_stop_ends_all_calls(misbehaving):
    class Stopped(NoWatch):
        def stopped(self) -> bool:
            return True

    with pytest.raises(errors.Cancelled):
        call_each(misbehaving, [a_call("wait", 20), a_call("wait", 20)], ANYTHING, Stopped())


def test_the_time_of_each_call_is_measured(misbehaving):
    short, long = call_each(misbehaving, [a_call("echo", "a"), a_call("wait", 0.5)], ANYTHING)
    assert short.wall_seconds < 0.4 < long.wall_seconds


def test_work_that_nobody_waits_for_has_a_lower_priority(misbehaving):
    usual, later = (
        results(misbehaving, *(a_call("nice", niceness=niceness) for _ in range(2)))
        for niceness in (NICENESS, BACKGROUND_NICENESS)
    )
    assert (usual, later) == ([min(19, os.nice(0) + 10)] * 2, [min(19, os.nice(0) + 15)] * 2)
