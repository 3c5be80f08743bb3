"""A stage keeps to its deadline, and its next try waits as long as the last error asked for."""

import math
import threading
import time

import pytest

from penstock.domain import errors
from penstock.domain.ids import new_task_id
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.stage_runner import OVERDUE_ERRORS, Stages
from tests.orchestration.conftest import new_run

WAIT_SECONDS = 30


@pytest.fixture
def stages() -> Stages:
    return new_run(new_task_id()).stages


def fail(stages: Stages, error: errors.MediaError) -> None:
    with pytest.raises(type(error)), stages.stage("fetch", 60):
        raise error


def test_the_next_try_waits_as_long_as_the_origin_asked_for(stages):
    started = time.monotonic()
    fail(stages, errors.OriginUnavailable("Busy.", retry_after_seconds=0.2))
    with stages.stage("fetch", 60):
        assert time.monotonic() - started >= 0.2


def test_a_cancel_ends_that_wait(stages):
    fail(stages, errors.OriginUnavailable("Busy.", retry_after_seconds=3600))
    threading.Timer(0.05, stages.stop.stop, ["cancelled"]).start()
    with pytest.raises(errors.Cancelled), stages.stage("fetch", 60):
        pytest.fail("the stage was started")


def test_between_two_tries_the_state_is_retrying(stages):
    fail(stages, errors.OriginUnavailable("Busy."))

    assert stages.progress.read()[0] == "retrying"


def test_after_an_error_that_is_not_retried_the_state_stays(stages):
    fail(stages, errors.InputUnreadable("damaged"))

    assert stages.progress.read()[0] == "fetching"


def test_a_stage_begins_at_zero_percent(stages):
    stages.progress.set_percent(70)
    with stages.stage("upload", 60):
        assert stages.progress.read() == ("uploading", 0)


def test_a_try_that_ran_out_of_memory_is_remembered(stages):
    assert not stages.was_short_of_resources
    fail(stages, errors.ResourceShortage("memory"))

    assert stages.was_short_of_resources


@pytest.mark.parametrize("step", OVERDUE_ERRORS)
def test_an_overdue_stage_raises_its_own_error(step):
    heartbeat = Heartbeat(lambda _state, _percent: False)
    with heartbeat.running("heartbeat"), pytest.raises(OVERDUE_ERRORS[step]):
        run_until_overdue(Stages(heartbeat), step)


def run_until_overdue(stages: Stages, step) -> None:
    with stages.stage(step, 0.02):
        assert stages.stop.wait(WAIT_SECONDS)
        stages.stop.require_unset()


def test_an_overdue_stage_may_be_tried_again(stages):
    stages.stop.stop("overdue")
    with stages.stage("fetch", 60):
        assert not stages.stop.is_set()


def test_a_stopped_run_starts_no_further_stage(stages):
    stages.stop.stop("superseded")
    with pytest.raises(errors.Cancelled), stages.stage("upload", 60):
        pytest.fail("the stage was started")


@pytest.mark.parametrize("step", ["validate", "record"])
def test_a_stage_of_one_transaction_is_decided_by_the_records_alone(stages, step):
    stages.stop.stop("superseded")
    with stages.stage(step, 60):
        pass


class Deadlines(Heartbeat):
    """Remembers the deadlines that were set."""

    def __post_init__(self):
        super().__post_init__()
        self.seconds: list[float] = []

    def set_deadline(self, seconds: float) -> None:
        self.seconds.append(seconds)


def test_waiting_for_a_slot_does_not_count_as_the_stage_s_time():
    heartbeat = Deadlines(lambda _state, _percent: False)
    stages = Stages(heartbeat)
    with stages.stage("transcode", 60), stages.untimed():
        pass

    assert heartbeat.seconds == [60, math.inf, 60, math.inf]
