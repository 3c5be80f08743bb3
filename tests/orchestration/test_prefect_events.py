"""What Prefect's events say of our runs is recorded."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from penstock.orchestration.prefect_events import HANDLERS, EventFollower
from tests.records.rows import complete_task, video_request


@dataclass
class Prefect:
    freed: list[str] = field(default_factory=list)

    async def free_lease(self, lease_id):
        self.freed.append(lease_id)


@pytest.fixture
def follower(records):
    return EventFollower(records, Prefect(), attempts=3)


@pytest.fixture
def run_id():
    return str(uuid4())


@pytest.fixture
def task(records, project, run_id):
    opened = records.tasks.submit(project, video_request())
    return records.tasks.begin(opened.id, 1, "owner", run_id)


def handle(follower, state, run_id):
    asyncio.run(follower.handle(state, run_id))


def test_a_cancel_in_the_ui_asks_the_run_to_stop(follower, records, task, run_id):
    handle(follower, "Cancelling", run_id)

    assert records.tasks.get_by_id(task.id).state == "cancelling"


def test_a_cancelled_run_ends_its_task(follower, records, task, run_id):
    handle(follower, "Cancelled", run_id)

    assert records.tasks.get_by_id(task.id).status == "cancelled"


def test_a_crashed_run_is_replaced(follower, records, task, run_id):
    records.tasks.record_slot(task.id, 1, "owner", "its lease")
    handle(follower, "Crashed", run_id)

    assert records.tasks.get_by_id(task.id).attempt == 2
    assert follower.runs.freed == ["its lease"]


@pytest.mark.parametrize("state", ["AwaitingRetry", "Retrying"])
def test_a_run_that_waits_for_its_retry_is_shown_as_retrying(follower, records, task, run_id, state):
    handle(follower, state, run_id)

    assert records.tasks.get_by_id(task.id).state == "retrying"


@pytest.mark.parametrize("state", HANDLERS)
def test_an_event_of_a_foreign_run_is_ignored(follower, state):
    handle(follower, state, str(uuid4()))


@pytest.mark.parametrize("state", HANDLERS)
def test_an_event_that_comes_after_the_end_changes_nothing(follower, records, project, state):
    task = complete_task(records, records.tasks.submit(project, video_request()))
    handle(follower, state, task.run_id)

    assert records.tasks.get_by_id(task.id).status == "completed"
