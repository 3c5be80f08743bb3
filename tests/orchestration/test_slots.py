"""A slot that cannot be given back takes nothing from who held it."""

from contextlib import contextmanager

import httpx
import pytest

from penstock.domain.ids import new_task_id
from penstock.orchestration import slots
from penstock.orchestration.attempt import Attempt


@contextmanager
def kept_though_done(*_names: str, **_how: object):
    try:
        yield
    finally:
        raise httpx.ConnectError("Prefect is away")


@pytest.fixture(autouse=True)
def _prefect_goes_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slots, "concurrency", kept_though_done)


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(new_task_id(), 1, "me")


def test_what_was_made_in_it_is_kept(attempt: Attempt):
    made = []
    with slots.transcode_slot(attempt):
        made.append("film")
    assert made == ["film"]


def test_what_failed_in_it_fails_as_it_did(attempt: Attempt):
    with pytest.raises(ZeroDivisionError), slots.transcode_slot(attempt):
        raise ZeroDivisionError
