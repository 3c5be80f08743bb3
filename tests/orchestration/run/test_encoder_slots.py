"""An encoder slot is waited for with open ears, noted while it is held, and given back whatever Prefect does."""

import threading
from contextlib import contextmanager
from uuid import UUID, uuid4

import httpx
import pytest

from penstock.domain import errors
from penstock.orchestration.run import encoder_slots
from penstock.orchestration.run.attempt import Attempt
from penstock.orchestration.run.encoder_slots import EncoderSlots
from tests.records.conftest import asked

LOCKED = httpx.HTTPStatusError("taken", request=httpx.Request("POST", "http://x"), response=httpx.Response(423))
AWAY = httpx.ConnectError("Prefect is away")


class Prefect:
    """Answers each ask for a slot in turn, by a lease or an error; `releases` likewise."""

    def __init__(self, answers=(), releases=()):
        self.answers, self.releases = list(answers), list(releases)
        self.released: list[UUID] = []
        self.asked = threading.Event()
        self.all_released = threading.Event()

    def increment_concurrency_slots_with_lease(self, names, *_: object):
        self.asked.set()
        answer = self.answers.pop(0) if self.answers else uuid4()
        if isinstance(answer, Exception):
            raise answer
        limits = [{"id": str(uuid4()), "name": name, "limit": 2} for name in names]
        return httpx.Response(200, json={"lease_id": str(answer), "limits": limits})

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
    monkeypatch.setattr(encoder_slots, "RELEASE_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(encoder_slots, "ASK_AGAIN_SECONDS", 0.5)
    return made


@pytest.fixture
def run(records, project):
    task = records.tasks.submit(project, asked())
    records.tasks.begin(task.id, 1, "me", "run")
    return Attempt(task.id, 1, "me")


@pytest.fixture
def encoder(records):
    return EncoderSlots(records)


def noted(records, run):
    return [held.slot for held in records.tasks.held_slots() if held.task_id == run.task_id]


def test_it_is_noted_while_it_is_held_and_given_back(prefect, encoder, records, run):
    lease = uuid4()
    prefect.answers = [lease]
    with encoder.held(run):
        assert noted(records, run) == [str(lease)]

    assert (noted(records, run), prefect.released) == ([], [lease])


def test_whoever_asks_is_noted_before_the_answer(prefect, encoder, records, run):
    seen = []
    grant = prefect.increment_concurrency_slots_with_lease

    def spy(*how: object):
        seen.extend(noted(records, run))
        return grant(*how)

    prefect.increment_concurrency_slots_with_lease = spy
    with encoder.held(run):
        assert seen == ["asking"]


@pytest.mark.parametrize("refusal", [LOCKED, AWAY])
def test_it_is_asked_for_again_until_there_is_one(prefect, encoder, run, refusal):
    prefect.answers = [refusal, refusal]
    with encoder.held(run):
        assert prefect.answers == []


@pytest.mark.parametrize("refusal", [LOCKED, AWAY])
def test_a_cancel_ends_the_wait(prefect, encoder, records, run, refusal):
    prefect.answers = [refusal] * 1000
    threading.Thread(target=lambda: (prefect.asked.wait(), run.stop.stop("cancelled"))).start()
    with pytest.raises(errors.Cancelled), encoder.held(run):
        pytest.fail("there was no slot")
    assert prefect.released == []


def test_a_slot_that_is_given_back_here_is_asked_for_at_once(prefect, encoder, run, monkeypatch):
    monkeypatch.setattr(encoder_slots, "ASK_AGAIN_SECONDS", 3600)
    held = threading.Event()

    def wait():
        with encoder.held(run):
            held.set()

    with encoder.held(run):
        prefect.answers = [LOCKED]
        prefect.asked.clear()
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert prefect.asked.wait(30)
        assert not held.wait(0.3)
    assert held.wait(30)
    waiting.join()


def test_what_was_made_in_it_is_kept_though_prefect_is_away_and_it_is_given_back_later(prefect, encoder, run):
    lease = uuid4()
    prefect.answers, prefect.releases = [lease], [AWAY, AWAY]
    made = []
    with encoder.held(run):
        made.append("film")

    assert made == ["film"]
    assert prefect.all_released.wait(30)
    assert prefect.released == [lease]


def test_what_failed_in_it_fails_as_it_did(prefect, encoder, run):
    prefect.releases = [AWAY]
    with pytest.raises(ZeroDivisionError), encoder.held(run):
        raise ZeroDivisionError
    assert prefect.all_released.wait(30)
