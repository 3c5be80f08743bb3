"""A run that nobody runs any more ends in Prefect as its task did, and takes no place there."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from penstock.orchestration.flow_runs import ActiveRun, PrefectUnavailable
from penstock.orchestration.reconcile.abandoned_runs import AbandonedRuns
from tests.records.conftest import asked, output_of

LEASE = 60.0


@dataclass
class Prefect:
    run_id: str = field(default_factory=lambda: str(uuid4()))
    has_task: bool = True
    away: bool = False
    ended: list[str] = field(default_factory=list)

    async def active(self):
        if self.away:
            raise PrefectUnavailable("not at home")
        return [ActiveRun(self.run_id, self.has_task)]

    async def end(self, run_id, state):
        assert run_id == self.run_id
        self.ended.append(state.type.value)


@dataclass
class Looks:
    """Looks of one sweeper, so many seconds apart."""

    records: object
    prefect: Prefect
    now: float = 0.0

    def __post_init__(self):
        self.open = AbandonedRuns(self.records, self.prefect, LEASE, clock=lambda: self.now)

    def after(self, seconds):
        self.now += seconds
        asyncio.run(self.open.end())
        return self.prefect.ended


@pytest.fixture
def prefect():
    return Prefect()


@pytest.fixture
def task(records, project, prefect):
    opened = records.tasks.submit(project, asked())
    return records.tasks.begin(opened.id, 1, "owner", prefect.run_id)


def test_a_run_whose_worker_died_after_its_task_was_completed_is_completed(records, prefect, task):
    looks = Looks(records, prefect)
    records.tasks.complete(task.id, 1, "owner", output_of(task))

    assert [*looks.after(0), *looks.after(LEASE)] == []
    assert looks.after(1) == ["COMPLETED"]


def test_a_run_whose_task_went_to_another_one_is_crashed(records, prefect, task):
    looks = Looks(records, prefect)
    records.tasks.retry_lost(task.id, 1)

    assert looks.after(0) == []
    assert looks.after(LEASE + 1) == ["CRASHED"]


@pytest.mark.parametrize("has_task", [True, False])
def test_a_run_of_an_unfinished_task_goes_on_however_long(records, prefect, task, has_task):
    prefect.has_task = has_task
    looks = Looks(records, prefect)

    assert [*looks.after(0), *looks.after(10 * LEASE)] == []


def test_a_run_that_still_has_to_make_its_task_goes_on(records):
    looks = Looks(records, Prefect(has_task=False))

    assert [*looks.after(0), *looks.after(10 * LEASE)] == []


def test_after_an_absence_of_prefect_a_run_has_its_whole_time_to_tell_its_end(records, prefect, task):
    looks = Looks(records, prefect)
    records.tasks.complete(task.id, 1, "owner", output_of(task))
    looks.after(0)
    prefect.away = True
    with pytest.raises(PrefectUnavailable):
        looks.after(LEASE)
    prefect.away = False

    assert [*looks.after(1), *looks.after(LEASE)] == []
    assert looks.after(1) == ["COMPLETED"]
