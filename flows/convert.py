"""One conversion, from request to verified file: validate → fetch → transcode → upload → record."""

from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.domain.request_form import RequestForm
from penstock.orchestration.run.attempt import attempt_at
from penstock.orchestration.run.cancellation import settle_cancellation
from penstock.orchestration.run_states import completed, failed, forget_secrets
from penstock.tasks.accept import accept
from penstock.tasks.fetch import fetch
from penstock.tasks.record import record
from penstock.tasks.transcode import transcode
from penstock.tasks.upload import upload
from penstock.tasks.validate import validate

# What ends a run by its sentence; anything else ends it by its traceback.
REFUSALS = (errors.RequestError, errors.InputError, errors.EngineError, errors.PlatformError)


@flow(
    name="convert-source",
    description="One attempt of a Task. The trigger starts it; parameters are ids, because Prefect shows them.",
    on_failure=[settle_cancellation],
    on_cancellation=[settle_cancellation],
    persist_result=False,
)
def convert_source(task_id: TaskId, attempt: int = 1) -> State[Any]:
    """Answers the Task as JSON, without a link; where it fails, `state.result()` raises its sentence."""
    try:
        with attempt_at(task_id, attempt) as run:
            accepted = validate(run)
            original = fetch(accepted, run)
            rendition = transcode(original, run)
            stored = upload(rendition, run)
            done = record(stored, run)
    except REFUSALS as refusal:
        return failed(refusal)
    return completed(done)


@flow(
    name="convert-request",
    flow_run_name="convert a request",
    description="Makes a Task from the request itself and runs it here: for the UI's form, schedules and other flows.",
    on_failure=[settle_cancellation],
    on_cancellation=[settle_cancellation],
    persist_result=False,
)
def convert_request(request: RequestForm, project: str | None = None) -> State[Any]:
    """Answers as `convert_source` does. An address is converted anew where its content has changed since the last time;
    else the run's message says so."""
    try:
        adopted = accept(request, project)
    except REFUSALS as refusal:
        if isinstance(refusal, errors.RequestError):  # anything else may go well by a retry, which needs them
            forget_secrets(flow_run.id, flow_run.parameters)
        return failed(refusal)
    if adopted.skip_reason is not None:
        return completed(adopted.task, adopted.skip_reason)
    return convert_source.fn(adopted.task.id, adopted.task.attempt)
