"""Each attempt gets its own run, whatever happens to the task while the dispatcher is at work."""

import asyncio
from dataclasses import dataclass, field

import pytest

from penstock.orchestration.dispatcher import submit
from tests.records.conftest import asked, completed


@dataclass
class Prefect:
    """Remembers which runs were made and cancelled; `meanwhile` happens while it makes one."""

    meanwhile: object = None
    made: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def create(self, task):
        if self.meanwhile:
            self.meanwhile()
        self.made.append(f"{task.id}:{task.attempt}")
        return self.made[-1]

    async def cancel(self, run_id):
        self.cancelled.append(run_id)


@pytest.fixture
def task(records, project):
    return records.tasks.submit(project, asked())


def due(records, task):
    return next(each for each in records.tasks.claim_due(10_000) if each.task_id == task.id)


def test_a_task_that_was_cancelled_and_asked_for_again_keeps_its_new_run(records, project, task):
    prefect, first = Prefect(), due(records, task)
    records.tasks.cancel(project, task.id)
    again = records.tasks.submit(project, asked())
    asyncio.run(submit(first, records, prefect))
    asyncio.run(submit(due(records, again), records, prefect))

    assert (prefect.made, prefect.cancelled) == ([f"{task.id}:2"], [])
    assert records.tasks.get_by_id(task.id).run_id == f"{task.id}:2"


def test_a_run_of_a_task_that_is_cancelled_while_it_is_made_is_cancelled(records, project, task):
    def cancel_and_ask_again():
        records.tasks.cancel(project, task.id)
        records.tasks.submit(project, asked())

    prefect = Prefect(cancel_and_ask_again)
    asyncio.run(submit(due(records, task), records, prefect))

    assert prefect.cancelled == [f"{task.id}:1"]
    assert (records.tasks.get_by_id(task.id).status, records.tasks.get_by_id(task.id).attempt) == ("processing", 2)


def test_an_attempt_that_has_ended_gets_no_run(records, project, task):
    prefect, first = Prefect(), due(records, task)
    records.tasks.cancel(project, task.id)
    asyncio.run(submit(first, records, prefect))

    assert prefect.made == []


def test_a_run_that_ended_before_it_was_noted_leaves_no_submission_behind(records, project, task):
    """The dispatcher died between making the run and noting it; its submission is lent to another one."""
    prefect, lent = Prefect(), due(records, task)
    done = completed(records, task)
    asyncio.run(submit(lent, records, prefect))
    records.tasks.postpone(lent, 0)

    assert (done.status, prefect.made) == ("completed", [])
    assert task.id not in {each.task_id for each in records.tasks.claim_due(10_000)}
