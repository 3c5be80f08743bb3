"""Which errors of a stage are retried, and how long a stage may take."""

import asyncio

import pytest
from prefect.client.schemas.objects import TaskRun
from prefect.states import exception_to_crashed_state, exception_to_failed_state

from penstock.domain import errors
from penstock.domain.task import Step
from penstock.orchestration.run_states import ended_state
from penstock.tasks import policy
from penstock.tasks.accept import accept
from penstock.tasks.fetch import fetch
from penstock.tasks.record import record
from penstock.tasks.transcode import transcode
from penstock.tasks.upload import upload
from penstock.tasks.validate import validate

STAGES = tuple(stage.task for stage in (accept, validate, fetch, transcode, upload, record))


def failed_with(error):
    """As a stage ends that returns the state of our error, or that raises another one."""
    is_ours = isinstance(error, errors.MediaError)
    return ended_state(error) if is_ours else asyncio.run(exception_to_failed_state(error))


def is_retried(error) -> bool:
    run = TaskRun(task_key="fetch", dynamic_key="0")
    return fetch.task.retry_condition_fn(fetch.task, run, failed_with(error))


@pytest.mark.parametrize(
    "error", [errors.OriginUnavailable("503"), errors.StorageUnavailable("away"), errors.DatabaseUnavailable("away")]
)
def test_what_another_try_can_cure_is_retried(error):
    assert is_retried(error)


@pytest.mark.parametrize(
    "error", [errors.InputUnreadable("damaged"), errors.UpscaleNotAllowed("larger"), errors.Cancelled("stop")]
)
def test_what_no_other_try_can_cure_is_not_retried(error):
    assert not is_retried(error)


def test_an_unexpected_error_is_not_retried():
    assert not is_retried(ZeroDivisionError())


def test_a_stage_that_crashed_is_not_retried():
    crashed = asyncio.run(exception_to_crashed_state(KeyboardInterrupt()))
    assert not policy.transient(fetch.task, TaskRun(task_key="fetch", dynamic_key="0"), crashed)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_stage_is_retried_by_that_rule(stage):
    assert stage.retry_condition_fn is policy.transient
    assert stage.retries >= 2


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_no_stage_leaves_a_result_to_prefect(stage):
    assert stage.persist_result is False


def test_every_step_of_a_task_has_a_deadline():
    assert set(policy.DEADLINES) == set(Step.__args__)


def test_the_deadline_of_fetch_allows_the_longest_download():
    assert policy.fetch_seconds(7200) > 7200
