"""Each attempt gets one run, whatever happens to its task or to Prefect in between."""

import asyncio
from dataclasses import dataclass, field

import pytest

from penstock.domain import errors
from penstock.orchestration import dispatcher
from penstock.orchestration.dispatcher import dispatch, submit
from penstock.orchestration.flow_runs import PrefectUnavailable
from tests.records.rows import complete_task, video_request


@dataclass
class Prefect:
    """Remembers which runs were created and cancelled; `meanwhile` happens while it creates one."""

    meanwhile: object = None
    outages: int = 0
    created: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def create(self, task, parent=None):  # noqa: ARG002 - no batch
        if self.outages:
            self.outages -= 1
            raise PrefectUnavailable("away")
        if self.meanwhile:
            self.meanwhile()
        self.created.append(f"{task.id}:{task.attempt}")
        return self.created[-1]

    async def cancel(self, run_id):
        self.cancelled.append(run_id)


@pytest.fixture
def task(records, project):
    return records.tasks.submit(project, video_request())


def due(records, task):
    return next(each for each in records.tasks.claim_due(10_000) if each.task_id == task.id)


def test_a_new_attempt_gets_a_run(records, task):
    asyncio.run(submit(due(records, task), records, Prefect()))

    assert records.tasks.get_by_id(task.id).run_id == f"{task.id}:1"


def test_a_task_that_was_cancelled_and_requested_again_keeps_its_new_run(records, project, task):
    prefect, first = Prefect(), due(records, task)
    records.tasks.cancel(project, task.id)
    again = records.tasks.submit(project, video_request())
    asyncio.run(submit(first, records, prefect))
    asyncio.run(submit(due(records, again), records, prefect))

    assert (prefect.created, prefect.cancelled) == ([f"{task.id}:2"], [])
    assert records.tasks.get_by_id(task.id).run_id == f"{task.id}:2"


def test_a_run_whose_task_is_cancelled_while_it_is_created_is_cancelled(records, project, task):
    def cancel_and_submit_again():
        records.tasks.cancel(project, task.id)
        records.tasks.submit(project, video_request())

    prefect = Prefect(cancel_and_submit_again)
    asyncio.run(submit(due(records, task), records, prefect))

    assert prefect.cancelled == [f"{task.id}:1"]
    assert (records.tasks.get_by_id(task.id).status, records.tasks.get_by_id(task.id).attempt) == ("processing", 2)


def test_the_dispatcher_goes_on_where_prefect_and_the_database_are_both_away(records, task, monkeypatch):
    def away(*_):
        raise errors.DatabaseUnavailable("away")

    monkeypatch.setattr(records.tasks, "postpone", away)
    asyncio.run(submit(due(records, task), records, Prefect(outages=1)))

    assert records.tasks.get_by_id(task.id).run_id is None


def test_an_attempt_that_has_ended_gets_no_run(records, project, task):
    prefect, first = Prefect(), due(records, task)
    records.tasks.cancel(project, task.id)
    asyncio.run(submit(first, records, prefect))

    assert prefect.created == []


def test_a_run_that_ended_before_it_was_recorded_leaves_nothing_in_the_outbox(records, project, task):
    """The dispatcher died between creating the run and recording it; another one claims the entry."""
    prefect, claimed = Prefect(), due(records, task)
    done = complete_task(records, task)
    asyncio.run(submit(claimed, records, prefect))
    records.tasks.postpone(claimed, 0)

    assert (done.status, prefect.created) == ("completed", [])
    assert task.id not in {each.task_id for each in records.tasks.claim_due(10_000)}


def test_while_prefect_is_unavailable_the_attempt_stays_in_the_outbox(records, task, monkeypatch):
    monkeypatch.setattr(dispatcher, "BACKOFF_SECONDS", (0.0,))
    asyncio.run(submit(due(records, task), records, Prefect(outages=1)))

    assert due(records, task).tries == 2


def test_the_delay_grows_with_the_tries_up_to_its_maximum():
    longest = dispatcher.BACKOFF_SECONDS[-1]

    assert dispatcher._backoff_seconds(1) <= 1.5 * dispatcher.BACKOFF_SECONDS[0]
    assert longest / 2 <= dispatcher._backoff_seconds(100) <= 1.5 * longest


def test_an_outage_of_the_database_ends_no_dispatcher(records, task, monkeypatch):
    entry = due(records, task)

    def away(*_: object):
        raise errors.DatabaseUnavailable("away")

    monkeypatch.setattr(records.tasks, "get_by_id", away)
    asyncio.run(submit(entry, records, Prefect()))


def test_the_dispatcher_is_woken_by_a_new_task(separate_records, monkeypatch):
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 3600)
    prefect = Prefect()
    asyncio.run(asyncio.wait_for(submit_while_dispatching(separate_records, prefect), 30))

    assert len(prefect.created) == 1


async def submit_while_dispatching(records, prefect):
    woken, created = asyncio.Event(), asyncio.Event()
    prefect.meanwhile = created.set
    dispatching = asyncio.create_task(dispatch(records, prefect, woken))
    await asyncio.to_thread(records.tasks.submit, records.keys.new_project("a project"), video_request())
    woken.set()
    await created.wait()
    dispatching.cancel()
