"""The final state of a flow run, and what it returns: the Task as JSON, inside the state itself.

Prefect would write a result to a file, which callers on other machines cannot read. But a state's data may be any JSON,
and `state.result()` returns it: everybody with access to Prefect's API can read it, and no file is left behind."""

import logging
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.results import ResultRecord  # type: ignore[attr-defined] # where Prefect's own modules import it from
from prefect.states import Cancelled as CancelledState
from prefect.states import Completed, Failed
from prefect.utilities.urls import url_for
from pydantic import RootModel

from penstock.domain import errors
from penstock.domain.ids import BatchId
from penstock.domain.request_form import redacted
from penstock.domain.secret_urls import HIDDEN, is_safe_to_show
from penstock.domain.task import Task
from penstock.orchestration.flow_run_options import failure_tags, run_name, run_tags, without_failure
from penstock.records import Records
from penstock.views.tasks import ViewBuilder

log = logging.getLogger(__name__)

_CODES = frozenset(each.code for each in errors.error_classes())
_LATE_MESSAGE = "Recorded late: Prefect was unavailable, or the worker was lost, when the run ended."


def completed_state(task: Task, message: str | None = None) -> State[dict[str, Any]]:
    """Completed; `state.result()` returns the Task."""
    return _completed_with(public_task(task), message)


def batch_state(batch_id: BatchId, message: str) -> State[dict[str, Any]]:
    """Completed; `state.result()` returns the id of the batch."""
    return _completed_with({"batch": batch_id}, message)


def _completed_with(public: dict[str, Any], message: str | None) -> State[dict[str, Any]]:
    # Prefect's client sends the metadata of a persisted record, so the result is put there. It is wrapped in a model
    # because Prefect would read a dict as a record's own metadata, whose fields may all be missing.
    metadata: Any = RootModel[dict[str, Any]](public)
    record: ResultRecord[dict[str, Any]] = ResultRecord.model_construct(metadata=metadata, result=public)
    record.mark_persisted()
    return Completed(message=message, data=record)


def done_state(message: str, *, is_cancelled: bool = False) -> State[None]:
    """Completed, or Cancelled, without a result."""
    return CancelledState(message=message) if is_cancelled else Completed(message=message)


REFUSED = "Refused"
# What its caller has to change; any other error is a failure of ours, or of somebody's server.
_REFUSALS = (errors.RequestError, errors.InputError)


def ended_state(error: errors.MediaError) -> State[Any]:
    """Cancelled, or Failed with code and message: named `Refused` where the caller has to change something.
    `state.result()` raises the error in this process, and the message in others: Prefect does not send the error."""
    if isinstance(error, errors.Cancelled):
        return CancelledState(message=error.message, data=error)
    name = REFUSED if isinstance(error, _REFUSALS) and not error.transient else None
    return Failed(name=name, message=error_text(error), data=error)


def error_text(error: errors.MediaError) -> str:
    """Code and message of every violation."""
    violations = error.violations if isinstance(error, errors.InvalidRequest) else (error,)
    return " ".join(f"{each.code}: {each.message}" for each in violations)


def recorded_state(run_id: UUID, records: Records) -> State[Any] | None:
    """The final state of a run that could not report it itself, from the records. None where no task belongs to the
    run, or the task is still processing."""
    found = records.tasks.find_by_run(str(run_id))
    task = records.tasks.get_by_id(found[0]) if found else None
    if task is not None and task.status == "completed":
        return completed_state(task, _LATE_MESSAGE)
    if task is not None and task.status == "failed":
        return Failed(
            message=f"{task.error.code}: {task.error.message} {_LATE_MESSAGE}" if task.error else _LATE_MESSAGE
        )
    return CancelledState(message=_LATE_MESSAGE) if task is not None and task.status == "cancelled" else None


def end_as_cancelled(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - a hook's parameters
    """A hook of the flows: sets Cancelled where the engine left Cancelling."""
    if state.is_cancelling():
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, CancelledState(message="The task was cancelled."), force=True)


def tag_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - a hook's parameters
    """A hook of the flows: tags a failed run for filters, with `refused` or `broken` and with the error's code."""
    code, colon, _ = (state.message or "").partition(": ")
    failed = failure_tags(code if colon and code in _CODES else None, is_refused=state.name == REFUSED)
    with get_client(sync_client=True) as client:
        tags = client.read_flow_run(flow_run.id).tags  # those of the hook's run are from its start
        client.update_flow_run(flow_run.id, tags=[*without_failure(tags), *failed])


def untag_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - a hook's parameters
    """A hook of the flows: removes the tags of an earlier failure from a run that begins again."""
    if (kept := without_failure(flow_run.tags)) != flow_run.tags:
        with get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, tags=kept)


def name_run(task: Task) -> None:
    """Give the present run the name and the tags that a run of this task has, in place of those of an earlier failure.
    An error of Prefect is only logged."""
    try:
        with get_client(sync_client=True) as client:
            tags = list(dict.fromkeys((*without_failure(runtime.flow_run.tags), *run_tags(task))))
            client.update_flow_run(UUID(runtime.flow_run.id), name=run_name(task), tags=tags)
    except httpx.HTTPError as error:
        log.info("the run of %s was not renamed: %s", task.id, type(error).__name__)


def hide_secrets(run_id: str, parameters: dict[str, Any]) -> None:
    """Overwrite the secret parameters of a refused run: everybody who sees Prefect can read them."""
    if (public := redacted(parameters)) == parameters:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(run_id), parameters=public)


def public_task(task: Task) -> dict[str, Any]:
    """The Task of the API for everybody who sees Prefect: without the link, and without a URL that may be a secret."""
    view = ViewBuilder("", "", 0, _page_of).task_view(task)
    output = view.output and view.output.model_copy(update={"url": None})
    shown_input = view.input if task.request.url is None or is_safe_to_show(task.request.url) else HIDDEN
    return view.model_copy(update={"output": output, "input": shown_input}).model_dump(mode="json")


def _page_of(run_id: str) -> str:
    return url_for("flow-run", obj_id=run_id) or ""
