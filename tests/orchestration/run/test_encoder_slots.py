"""An encoder slot can be waited for, cancelled, held and released, whatever Prefect does meanwhile."""

import threading
from contextlib import contextmanager, suppress
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
def run(host, project):
    return begun_run(host, project, video_request())


def begun_run(host, project, request):
    task = host.records.tasks.submit(project, request)
    host.records.tasks.begin(task.id, 1, "me", f"run of {task.id}")
    return new_run(task.id, host)


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


def test_of_those_that_wait_only_the_first_asks_prefect(prefect, encoder, host, project, run):
    order = []

    def wait(name, waiting_run):
        with encoder.hold(waiting_run):
            order.append(name)

    with encoder.hold(run):
        prefect.responses = [LOCKED] * 1000
        runs = [begun_run(host, project, video_request(width=width)) for width in (64, 66, 68)]
        waiting = [threading.Thread(target=wait, args=each) for each in enumerate(runs)]
        for place, thread in enumerate(waiting, 1):
            thread.start()
            wait_for(lambda place=place: len(encoder._queue) == place)
        assert [len(noted(host.records, each)) for each in runs[1:]] == [0, 0]
        prefect.responses = []
    for thread in waiting:
        thread.join(30)
    assert order == [0, 1, 2]


def test_the_next_in_line_asks_at_once_when_the_first_one_is_cancelled(prefect, host, project, run, monkeypatch):
    encoder = EncoderSlots(host.records)
    monkeypatch.setattr(encoder_slots, "RETRY_SECONDS", 3600)
    prefect.responses = [LOCKED]
    first, second = (threading.Thread(target=hold, args=(encoder, each)) for each in (run, next_run(host, project)))
    first.start()
    wait_for(lambda: prefect.requested.is_set() and not prefect.responses)
    second.start()
    wait_for(lambda: len(encoder._queue) == 2)
    run.stop.stop("cancelled")

    for thread in (first, second):
        thread.join(30)
    assert (len(prefect.released), encoder._queue) == (1, [])


def hold(encoder, run):
    with suppress(errors.Cancelled), encoder.hold(run):
        pass


def next_run(host, project):
    return begun_run(host, project, video_request(width=70))


@pytest.mark.parametrize("is_draining", [False, True])
def test_a_worker_that_drains_gives_back_a_run_that_waits(prefect, encoder, host, run, is_draining):
    """Also one that begins to wait while the worker drains."""
    prefect.responses = [LOCKED] * 1000
    if is_draining:
        host.resumable.give_back_all()
    waiting = threading.Thread(target=hold, args=(encoder, run))
    waiting.start()
    assert prefect.requested.wait(30)
    wait_for(lambda: host.records.tasks.losses(run.lease.task_id).count == 0)
    host.resumable.give_back_all()
    waiting.join(30)

    assert (waiting.is_alive(), run.stop.reason) == (False, "given_back")


def test_a_run_that_has_a_slot_is_not_given_back_by_a_drain(prefect, encoder, host, run):
    prefect.responses = [LOCKED]
    with encoder.hold(run):
        host.resumable.give_back_all()
        assert (run.stop.reason, host.records.tasks.losses(run.lease.task_id).count) == (None, 1)
