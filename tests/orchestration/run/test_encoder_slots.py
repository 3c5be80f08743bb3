"""An encoder slot can be waited for, cancelled, held and released, whatever Prefect does meanwhile."""

import threading
from contextlib import contextmanager
from uuid import UUID, uuid4

import httpx
import pytest

from penstock.domain import errors
from penstock.orchestration.run import encoder_slots
from penstock.orchestration.run.encoder_slots import EncoderSlots
from tests.orchestration.conftest import new_run
from tests.records.rows import video_request
from tests.service import wait_for

LOCKED = httpx.HTTPStatusError("taken", request=httpx.Request("POST", "http://x"), response=httpx.Response(423))
AWAY = httpx.ConnectError("Prefect is away")


class Prefect:
    """Responds to each request for a slot with the next lease or error; after `responses` with new leases. `releases`
    are the errors of the first releases."""

    def __init__(self, responses=(), releases=()):
        self.responses, self.releases = list(responses), list(releases)
        self.released: list[UUID] = []
        self.requested = threading.Event()
        self.all_released = threading.Event()

    def increment_concurrency_slots_with_lease(self, names, *_: object):
        self.requested.set()
        response = self.responses.pop(0) if self.responses else uuid4()
        if isinstance(response, Exception):
            raise response
        limits = [{"id": str(uuid4()), "name": name, "limit": 2} for name in names]
        return httpx.Response(200, json={"lease_id": str(response), "limits": limits})

    def release_concurrency_slots_with_lease(self, lease_id):
        if self.releases:
            raise self.releases.pop(0)
        self.released.append(lease_id)
        self.all_released.set()


@pytest.fixture
def prefect(monkeypatch):
    made = Prefect()

    @contextmanager
    def client(**_: object):
        yield made

    monkeypatch.setattr(encoder_slots, "get_client", client)
    monkeypatch.setattr(encoder_slots, "RELEASE_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(encoder_slots, "RETRY_SECONDS", 0.5)
    return made


@pytest.fixture
def run(records, project):
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", "run")
    return new_run(task.id)


@pytest.fixture
def encoder(records):
    return EncoderSlots(records)


def noted(records, run):
    return [held.slot for held in records.tasks.held_slots() if held.task_id == run.lease.task_id]


def test_a_slot_is_noted_while_it_is_held_and_then_released(prefect, encoder, records, run):
    lease = uuid4()
    prefect.responses = [lease]
    with encoder.hold(run):
        assert noted(records, run) == [str(lease)]

    assert (noted(records, run), prefect.released) == ([], [lease])


def test_a_request_is_noted_before_prefect_responds(prefect, encoder, records, run):
    seen = []
    grant = prefect.increment_concurrency_slots_with_lease

    def spy(*how: object):
        seen.extend(noted(records, run))
        return grant(*how)

    prefect.increment_concurrency_slots_with_lease = spy
    with encoder.hold(run):
        assert seen == ["asking"]


@pytest.mark.parametrize("error", [errors.DatabaseUnavailable("It is away."), errors.Superseded("It has another run.")])
def test_a_granted_slot_that_cannot_be_noted_is_released(prefect, records, run, error, monkeypatch):
    lease = uuid4()
    prefect.responses = [lease]
    note = records.tasks.record_slot

    def fails_once(task_id, attempt, owner, slot):
        if slot == str(lease):
            run.stop.stop("cancelled")  # ends the wait for the next request
            raise error
        note(task_id, attempt, owner, slot)

    monkeypatch.setattr(records.tasks, "record_slot", fails_once)
    with pytest.raises((errors.Cancelled, errors.Superseded)), EncoderSlots(records).hold(run):
        pytest.fail("the slot could not be noted")
    assert prefect.released == [lease]


@pytest.mark.parametrize("refusal", [LOCKED, AWAY])
def test_a_refused_request_is_repeated(prefect, encoder, run, refusal):
    prefect.responses = [refusal, refusal]
    with encoder.hold(run):
        assert prefect.responses == []


@pytest.mark.parametrize("refusal", [LOCKED, AWAY])
def test_a_cancel_wakes_a_waiting_run(prefect, encoder, run, refusal, monkeypatch):
    monkeypatch.setattr(encoder_slots, "RETRY_SECONDS", 3600)
    prefect.responses = [refusal] * 1000
    threading.Thread(target=lambda: (prefect.requested.wait(), run.stop.stop("cancelled"))).start()
    with pytest.raises(errors.Cancelled), encoder.hold(run):
        pytest.fail("there was no slot")
    assert prefect.released == []


def test_a_slot_that_this_process_releases_is_requested_at_once(prefect, encoder, run, monkeypatch):
    monkeypatch.setattr(encoder_slots, "RETRY_SECONDS", 3600)
    held = threading.Event()

    def wait():
        with encoder.hold(run):
            held.set()

    with encoder.hold(run):
        prefect.responses = [LOCKED]
        prefect.requested.clear()
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert prefect.requested.wait(30)
        assert not held.wait(0.3)
    assert held.wait(30)
    waiting.join()


def test_the_output_is_kept_and_the_slot_released_later_though_prefect_is_away(prefect, encoder, run):
    lease = uuid4()
    prefect.responses, prefect.releases = [lease], [AWAY, AWAY]
    outputs = []
    with encoder.hold(run):
        outputs.append("video")

    assert outputs == ["video"]
    assert prefect.all_released.wait(30)
    assert prefect.released == [lease]


def test_an_error_of_the_block_passes_through(prefect, encoder, run):
    prefect.releases = [AWAY]
    with pytest.raises(ZeroDivisionError), encoder.hold(run):
        raise ZeroDivisionError
    assert prefect.all_released.wait(30)


def test_of_those_that_wait_only_the_first_asks_prefect(prefect, encoder, records, project, run):
    order = []

    def wait(name, waiting_run):
        with encoder.hold(waiting_run):
            order.append(name)

    with encoder.hold(run):
        prefect.responses = [LOCKED] * 1000
        runs = [new_run(records.tasks.submit(project, video_request(width=width)).id) for width in (64, 66, 68)]
        for number, each in enumerate(runs):
            records.tasks.begin(each.lease.task_id, 1, "me", f"run {number}")
        waiting = [threading.Thread(target=wait, args=each) for each in enumerate(runs)]
        for place, thread in enumerate(waiting, 1):
            thread.start()
            wait_for(lambda place=place: len(encoder._queue) == place)
        assert [len(noted(records, each)) for each in runs[1:]] == [0, 0]
        prefect.responses = []
    for thread in waiting:
        thread.join(30)
    assert order == [0, 1, 2]
