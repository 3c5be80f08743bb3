"""One conversion, from request to published file: validate → fetch → transcode → upload → record."""

from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.domain.request_form import RequestForm
from penstock.orchestration.run.lifecycle import open_run
from penstock.orchestration.run.receipt import show_receipt
from penstock.orchestration.run.summary import summary
from penstock.orchestration.run_states import completed_state, end_as_cancelled, ended_state, hide_secrets, tag_failure
from penstock.services import current_services
from penstock.tasks.accept import accept
from penstock.tasks.fetch import fetch
from penstock.tasks.record import record
from penstock.tasks.transcode import transcode
from penstock.tasks.upload import upload
from penstock.tasks.validate import validate


@flow(
    name="convert-source",
    description="Runs one attempt of a Task. The API starts it. Prefect shows parameters, so they are ids alone.",
    on_failure=[tag_failure],
    on_cancellation=[end_as_cancelled],
    persist_result=False,
)
def convert_source(task_id: TaskId, attempt: int = 1) -> State[Any]:
    """Returns the Task as JSON, without a link; where it failed, `state.result()` raises its message."""
    return run_attempt(task_id, attempt)


@flow(
    name="convert-request",
    flow_run_name="convert a request",
    description="Makes a Task of its parameters and runs it: for the form of the UI, schedules and other flows.",
    on_failure=[tag_failure],
    on_cancellation=[end_as_cancelled],
    persist_result=False,
)
def convert_request(request: RequestForm, project: str | None = None) -> State[Any]:
    """Returns what `convert_source` returns. A URL is converted again if its content has changed since the last time;
    if not, the message of the run's state says so."""
    try:
        requested = accept(request, project, current_services())
    except errors.RequestError as error:
        hide_secrets(flow_run.id, flow_run.parameters)
        return ended_state(error)
    except errors.MediaError as error:  # a retry of the run may succeed: it needs the parameters as they are
        return ended_state(error)
    if requested.skip_reason is not None:
        return completed_state(requested.task, requested.skip_reason)
    return run_attempt(requested.task.id, requested.task.attempt)


def run_attempt(task_id: TaskId, attempt: int) -> State[Any]:
    try:
        with open_run(task_id, attempt, current_services()) as run:
            accepted = validate(run)
            original = fetch(accepted, run)
            rendition = transcode(original, run)
            stored = upload(rendition, run)
            completed = record(stored, run)
            show_receipt(original, rendition, stored, run)
    except errors.MediaError as error:
        return ended_state(error)
    return completed_state(completed, summary(original, stored, sum(run.stages.seconds.values())))
