"""The flows run the stages in order, and end as their task does; the stages themselves are fakes."""

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest

from penstock.domain import errors
from penstock.domain.ids import ProjectId, TaskId
from penstock.domain.request import SourceRequest
from penstock.domain.stages import RequestedTask
from penstock.domain.task import Task
from penstock.flows import convert as flows

NOW = datetime.now(UTC)
REQUEST = SourceRequest(url="https://example.com/a.mov", kind="video", format="mp4")
TASK = Task(TaskId("tsk_1"), ProjectId("prj_1"), REQUEST, "completed", "completed", 100, 2, NOW, NOW)
RUN = SimpleNamespace(stages=SimpleNamespace(seconds={"fetch": 1.0}))
STAGES = ("validate", "fetch", "transcode", "upload", "record")


@pytest.fixture
def called(monkeypatch):
    """Replaces the stages; returns the names of those that were called, and the attempts that were opened."""
    calls = []

    @contextmanager
    def open_run(task_id, attempt, _services):
        calls.append((task_id, attempt))
        yield RUN

    def stage(name):
        def call(*_):
            calls.append(name)
            return TASK

        return call

    monkeypatch.setattr(flows, "open_run", open_run)
    monkeypatch.setattr(flows, "show_receipt", lambda *_: None)
    monkeypatch.setattr(flows, "summary", lambda *_: "a.mov 2 B → mp4 1 B")
    monkeypatch.setattr(flows, "current_services", lambda: "services")
    for name in STAGES:
        monkeypatch.setattr(flows, name, stage(name))
    return calls


def fail_in(monkeypatch, stage, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(flows, stage, fail)


def test_an_attempt_runs_the_stages_in_order_and_returns_the_task(called):
    state = flows.convert_source.fn(TASK.id, 2)

    assert called == [("tsk_1", 2), *STAGES]
    assert state.is_completed()
    assert state.data.result["id"] == TASK.id
    assert state.message == "a.mov 2 B → mp4 1 B"


@pytest.mark.parametrize("stage", STAGES)
def test_an_expected_error_fails_the_run_with_its_code_and_message(called, monkeypatch, stage):
    fail_in(monkeypatch, stage, errors.InputUnreadable("The input is no media."))
    state = flows.convert_source.fn(TASK.id)

    assert state.is_failed()
    assert state.message == "input_unreadable: The input is no media."


def test_services_that_cannot_be_opened_fail_the_run_as_any_expected_error(called, monkeypatch):
    fail_in(monkeypatch, "current_services", errors.DatabaseUnavailable("The database is unavailable."))
    state = flows.convert_source.fn(TASK.id)

    assert state.message == "database_unavailable: The database is unavailable."


def test_an_unexpected_error_reaches_prefect(called, monkeypatch):
    fail_in(monkeypatch, "fetch", ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        flows.convert_source.fn(TASK.id)


def test_a_cancel_ends_the_run_as_cancelled(called, monkeypatch):
    fail_in(monkeypatch, "fetch", errors.Cancelled("stop"))
    state = flows.convert_source.fn(TASK.id)

    assert (state.type, state.message) == ("CANCELLED", "stop")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.UpscaleNotAllowed("The input is smaller."), "Refused"),
        (errors.InputUnreadable("The input is no media."), "Refused"),
        (errors.OriginUnavailable("The origin is away."), "Failed"),
        (errors.EngineError("The encoder failed."), "Failed"),
    ],
)
def test_what_the_caller_has_to_change_is_refused_and_anything_else_failed(called, monkeypatch, error, name):
    fail_in(monkeypatch, "transcode", error)
    state = flows.convert_source.fn(TASK.id)

    assert (state.type, state.name, state.message) == ("FAILED", name, f"{error.code}: {error.message}")


def accepting(monkeypatch, result):
    """`accept` returns or raises this; returns the parameters that are hidden in Prefect."""
    hidden = []

    def accept(*_):
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(flows, "accept", accept)
    monkeypatch.setattr(flows, "flow_run", SimpleNamespace(id=str(uuid4()), parameters="parameters"))
    monkeypatch.setattr(flows, "hide_secrets", lambda _run_id, parameters: hidden.append(parameters))
    return hidden


def test_a_request_is_converted_by_the_run_that_brings_it(called, monkeypatch):
    accepting(monkeypatch, RequestedTask(TASK, None))

    assert flows.convert_request.fn({}).is_completed()
    assert called == [("tsk_1", 2), *STAGES]


def test_a_request_that_is_skipped_is_completed_with_the_reason(called, monkeypatch):
    accepting(monkeypatch, RequestedTask(TASK, "unchanged since yesterday"))
    state = flows.convert_request.fn({})

    assert (state.is_completed(), state.message, called) == (True, "unchanged since yesterday", [])


def test_the_secrets_of_a_refused_request_are_hidden(called, monkeypatch):
    hidden = accepting(monkeypatch, errors.FieldInvalid("url carries a secret", field="url"))

    assert flows.convert_request.fn({}).is_failed()
    assert hidden == ["parameters"]


def test_the_parameters_stay_where_a_retry_of_the_run_needs_them(called, monkeypatch):
    hidden = accepting(monkeypatch, errors.DatabaseUnavailable("away"))

    assert flows.convert_request.fn({}).is_failed()
    assert hidden == []
