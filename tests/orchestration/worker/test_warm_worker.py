"""The warm worker leaves no run without a final state, and polls again when a place is free. Prefect's client is a
fake."""

import asyncio
import logging
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling, Completed, Crashed, Failed, Running

from penstock.orchestration.worker import warm_worker
from penstock.orchestration.worker.run_pool import QueuePlaces
from penstock.orchestration.worker.warm_worker import WarmWorker
from tests.records.rows import video_request


class Client:
    """One run in `state`; an exception is raised instead, once."""

    def __init__(self, state=None, error=None):
        self.state, self.error = state, error
        self.set: list[str] = []

    async def read_flow_run(self, _run_id):
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return SimpleNamespace(state=self.state)

    async def set_flow_run_state(self, _run_id, state, *, force):
        assert force
        self.set.append(state.type.value)


@pytest.fixture
def flow_run():
    return FlowRun(id=uuid4(), flow_id=uuid4())


@pytest.fixture
def make_worker(records, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr(warm_worker, "RETRY_SECONDS", 0)

    def make(client):
        worker = WarmWorker("media", "a worker", QueuePlaces(1), records)
        worker._client = client
        # Prefect's own would send the log line to its API, and start a server for that.
        worker.get_flow_run_logger = lambda _flow_run: logging.getLogger(__name__)
        return worker

    return make


def execute(worker, flow_run, result):
    """Execute a run whose engine returns this state or raises this error."""

    async def run(_flow_run):
        if isinstance(result, Exception):
            raise result
        return result

    worker._run = run
    asyncio.run(worker.execute(flow_run))
    return worker.client.set


@pytest.mark.parametrize("state", [Completed(), Failed()])
def test_a_run_that_has_ended_is_left_as_it_is(make_worker, flow_run, state):
    assert execute(make_worker(Client(Running())), flow_run, state) == []


@pytest.mark.parametrize("result", [None, Running(), LookupError("no such flow")])
def test_a_run_without_a_final_state_is_crashed(make_worker, flow_run, result):
    assert execute(make_worker(Client(Running())), flow_run, result) == ["CRASHED"]


def test_a_run_that_is_being_cancelled_is_cancelled(make_worker, flow_run):
    assert execute(make_worker(Client(Cancelling())), flow_run, None) == ["CANCELLED"]


def test_a_run_ends_as_its_task_did_where_the_records_know_it(make_worker, flow_run, records, project):
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", str(flow_run.id))
    records.tasks.end(task.id, 1, "failed")

    assert execute(make_worker(Client(Running())), flow_run, None) == ["FAILED"]


def test_a_run_that_another_worker_has_ended_is_left_as_it_is(make_worker, flow_run):
    assert execute(make_worker(Client(Crashed())), flow_run, None) == []


def test_a_deleted_run_needs_no_end(make_worker, flow_run):
    assert execute(make_worker(Client(error=ObjectNotFound(Exception()))), flow_run, None) == []


def test_an_end_is_reported_as_soon_as_prefect_is_available(make_worker, flow_run):
    assert execute(make_worker(Client(Running(), error=httpx.ConnectError("away"))), flow_run, None) == ["CRASHED"]


@pytest.mark.parametrize(
    ("granted", "is_full", "has_queue_limits", "seconds"),
    [
        (False, False, False, [warm_worker.REFUSED_SECONDS]),
        (True, True, False, [0]),
        (True, False, True, [warm_worker.POLL_AGAIN_SECONDS]),
        (True, False, False, []),
    ],
)
def test_the_next_poll_comes_when_a_place_may_be_free(make_worker, granted, is_full, has_queue_limits, seconds):
    worker, delays = make_worker(Client()), []
    worker.is_full, worker.has_queue_limits = is_full, has_queue_limits
    worker._wake_in = delays.append
    worker._poll_again(granted=granted)

    assert delays == seconds


@pytest.mark.parametrize("changed", [{"is_draining": True}, {"admits": lambda: False}])
def test_a_worker_that_drains_or_has_no_room_polls_no_more(make_worker, changed):
    worker = make_worker(Client())
    worker.queues = ["default"]
    vars(worker).update(changed)

    async def poll():
        worker._limiter = SimpleNamespace(available_tokens=1, borrowed_tokens=0)
        return await worker.get_and_submit_flow_runs()

    assert asyncio.run(poll()) == []


def test_a_worker_rests_after_a_poll_but_not_if_it_was_woken_before_it_knew_its_queues(make_worker):
    """It began the run of a batch that was waiting 20 s late."""
    worker, polls = make_worker(Client()), []
    worker.places = QueuePlaces(1, "batches", rests_seconds=60)

    async def scheduled():
        polls.append(tuple(worker.queues))
        return []

    async def join():
        worker._limiter = SimpleNamespace(available_tokens=1, borrowed_tokens=0)
        worker._get_scheduled_flow_runs, worker._has_successfully_synced = scheduled, True
        await worker.poll()
        worker.queues = ["batches"]
        for _ in range(2):
            await worker.get_and_submit_flow_runs()

    asyncio.run(join())
    assert polls == [("batches",)]
