"""A run that no worker runs any more ends in Prefect as its task did, and counts against no limit there."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from penstock.orchestration.flow_runs import ActiveRun, PrefectUnavailable
from penstock.orchestration.reconcile.runs_without_task import RunsWithoutTask
from tests.records.rows import output_of, video_request

LEASE = 60.0


@dataclass
class Prefect:
    run_id: str = field(default_factory=lambda: str(uuid4()))
    has_task: bool = True
    is_away: bool = False
    ended: list[str] = field(default_factory=list)

    async def active(self):
        if self.is_away:
            raise PrefectUnavailable("away")
        return [ActiveRun(self.run_id, self.has_task)]

    async def end(self, run_id, state):
        assert run_id == self.run_id
        self.ended.append(state.type.value)


@dataclass
class Checks:
    """Checks of one reconciler, so many seconds apart."""

    records: object
    prefect: Prefect
    now: float = 0.0

    def __post_init__(self):
        self.without_task = RunsWithoutTask(self.records, self.prefect, LEASE, clock=lambda: self.now)

    def after(self, seconds):
        self.now += seconds
        asyncio.run(self.without_task.end())
        return self.prefect.ended


@pytest.fixture
def prefect():
    return Prefect()


@pytest.fixture
def task(records, project, prefect):
    opened = records.tasks.submit(project, video_request())
    return records.tasks.begin(opened.id, 1, "owner", prefect.run_id)


def test_a_run_whose_worker_died_after_its_task_was_completed_is_completed(records, prefect, task):
    checks = Checks(records, prefect)
    records.tasks.complete(task.id, 1, "owner", output_of(task))

    assert [*checks.after(0), *checks.after(LEASE)] == []
    assert checks.after(1) == ["COMPLETED"]


def test_a_run_whose_task_has_another_run_is_crashed(records, prefect, task):
    checks = Checks(records, prefect)
    records.tasks.retry_lost(task.id, 1)

    assert checks.after(0) == []
    assert checks.after(LEASE + 1) == ["CRASHED"]


@pytest.mark.parametrize("has_task", [True, False])
def test_a_run_of_an_unfinished_task_is_never_ended(records, prefect, task, has_task):
    prefect.has_task = has_task
    checks = Checks(records, prefect)

    assert [*checks.after(0), *checks.after(10 * LEASE)] == []


def test_a_run_that_may_still_make_its_task_is_not_ended(records):
    checks = Checks(records, Prefect(has_task=False))

    assert [*checks.after(0), *checks.after(10 * LEASE)] == []


def test_after_an_outage_of_prefect_a_run_has_its_whole_time_again(records, prefect, task):
    checks = Checks(records, prefect)
    records.tasks.complete(task.id, 1, "owner", output_of(task))
    checks.after(0)
    prefect.is_away = True
    with pytest.raises(PrefectUnavailable):
        checks.after(LEASE)
    prefect.is_away = False

    assert [*checks.after(1), *checks.after(LEASE)] == []
    assert checks.after(1) == ["COMPLETED"]
