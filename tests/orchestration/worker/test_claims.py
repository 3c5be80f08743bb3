"""The private parts of Prefect's worker that ours relies on: if one of these fails, read Prefect's worker again."""

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
# The calls of the stock worker for a run that it found; ours leaves most of them out.
SUBMIT_CALLS = {
    "read_deployment", "_mark_flow_run_as_cancelled", "_propose_pending_state", "_submit_run_and_capture_errors",
    "update_flow_run", "_release_limit_slot",
}  # fmt: skip
CAPTURE_CALLS = {
    "resolve_for_flow_run", "_emit_flow_run_submitted_event", "_give_worker_labels_to_flow_run",
    "_propose_submitting_state", "run", "_propose_crashed_state", "_release_limit_slot",
    "_emit_flow_run_executed_event",
}  # fmt: skip
LOGGING = {"debug", "info", "exception", "error", "get_flow_run_logger"}
BOOKKEEPING = {"remove", "remove_in_flight_flow_run_id", "start", "started", "done", "deepcopy"}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_private_method_that_we_use_has_the_same_parameters(name):
    assert list(inspect.signature(getattr(BaseWorker, name)).parameters) == SIGNATURES[name]


@pytest.mark.parametrize(
    ("name", "known"), [("_submit_run", SUBMIT_CALLS), ("_submit_run_and_capture_errors", CAPTURE_CALLS)]
)
def test_the_stock_worker_makes_no_call_that_we_do_not_know(name, known):
    assert methods_called(getattr(BaseWorker, name)) - LOGGING - BOOKKEEPING == known


def test_a_poll_calls_the_two_methods_that_we_override():
    assert "_get_scheduled_flow_runs" in methods_called(BaseWorker.get_and_submit_flow_runs)
    assert "self._submit_run," in inspect.getsource(BaseWorker._submit_scheduled_flow_runs)


def test_the_stock_worker_requests_runs_from_the_same_url():
    asked = inspect.getsource(PrefectClient.get_scheduled_flow_runs_for_work_pool)
    for word in ('"POST"', '"/work_pools/{name}/get_scheduled_flow_runs"', "work_queue_names", "scheduled_before"):
        assert word in asked


def test_a_worker_keeps_submitted_runs_where_we_remove_them(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    worker = WarmWorker("media", "a worker", QueuePlaces(1), records=None)

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
