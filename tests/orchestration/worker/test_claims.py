"""What our worker knows of the inside of Prefect's: where one of these fails, read Prefect's worker again."""

import ast
import inspect
import textwrap

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.workers.base import BaseWorker, FlowRunCancellingObserver

from penstock.orchestration.worker.run_pool import QueuePlaces
from penstock.orchestration.worker.warm_worker import WarmWorker

SIGNATURES = {
    "_get_scheduled_flow_runs": ["self"],
    "_submit_run": ["self", "flow_run"],
    "_propose_pending_state": ["self", "flow_run"],
    "_release_limit_slot": ["self", "flow_run_id"],
}
# What the stock worker does with a run that it found, and the calls of it that ours leaves out.
SUBMITTING = {
    "read_deployment", "_mark_flow_run_as_cancelled", "_propose_pending_state", "_submit_run_and_capture_errors",
    "update_flow_run", "_release_limit_slot",
}  # fmt: skip
CAPTURING = {
    "resolve_for_flow_run", "_emit_flow_run_submitted_event", "_give_worker_labels_to_flow_run",
    "_propose_submitting_state", "run", "_propose_crashed_state", "_release_limit_slot",
    "_emit_flow_run_executed_event",
}  # fmt: skip
SPEAKING = {"debug", "info", "exception", "error", "get_flow_run_logger"}
KEEPING = {"remove", "remove_in_flight_flow_run_id", "start", "started", "done", "deepcopy"}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_private_method_that_we_use_takes_what_it_took(name):
    assert list(inspect.signature(getattr(BaseWorker, name)).parameters) == SIGNATURES[name]


@pytest.mark.parametrize(
    ("name", "known"), [("_submit_run", SUBMITTING), ("_submit_run_and_capture_errors", CAPTURING)]
)
def test_the_stock_worker_does_nothing_more_with_a_run_than_we_know(name, known):
    assert methods_called(getattr(BaseWorker, name)) - SPEAKING - KEEPING == known


def test_a_poll_reaches_the_two_methods_that_we_override():
    assert "_get_scheduled_flow_runs" in methods_called(BaseWorker.get_and_submit_flow_runs)
    assert "self._submit_run," in inspect.getsource(BaseWorker._submit_scheduled_flow_runs)


def test_the_stock_question_for_runs_goes_to_the_address_that_ours_goes_to():
    asked = inspect.getsource(PrefectClient.get_scheduled_flow_runs_for_work_pool)
    for word in ('"POST"', '"/work_pools/{name}/get_scheduled_flow_runs"', "work_queue_names", "scheduled_before"):
        assert word in asked


def test_a_worker_keeps_its_accounts_where_we_settle_them(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    worker = WarmWorker("media", "a worker", QueuePlaces(1))

    assert worker._submitting_flow_run_ids == set()
    assert worker._cancelling_observer is None
    assert callable(FlowRunCancellingObserver.remove_in_flight_flow_run_id)


def methods_called(function):
    """The names of the methods that a function calls."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return called | (named & {"_submit_run_and_capture_errors"})
