"""One conversion, from request to verified file: validate → fetch → transcode → upload → record."""

from prefect import flow
from prefect.runtime import flow_run

from penstock.domain.ids import TaskId
from penstock.domain.request import SourceRequest
from penstock.domain.task import Task
from penstock.orchestration.attempt import attempt_at
from penstock.orchestration.cancellation import settle_cancellation
from penstock.tasks.accept import accept
from penstock.tasks.fetch import fetch
from penstock.tasks.record import record
from penstock.tasks.transcode import transcode
from penstock.tasks.upload import upload
from penstock.tasks.validate import validate


@flow(
    name="convert-source",
    description="One attempt of a Task. The trigger starts it; parameters are ids, because Prefect shows them.",
    on_failure=[settle_cancellation],
    on_cancellation=[settle_cancellation],
    persist_result=False,
)
def convert_source(task_id: TaskId, attempt: int = 1) -> Task:
    with attempt_at(task_id, attempt) as run:
        accepted = validate(run)
        original = fetch(accepted, run)
        rendition = transcode(original, run)
        stored = upload(rendition, run)
        return record(stored, run)


@flow(
    name="convert-request",
    flow_run_name="convert a request",
    description="Makes a Task from the request itself and runs it here: for the UI's form, schedules and other flows.",
    on_failure=[settle_cancellation],
    on_cancellation=[settle_cancellation],
    persist_result=False,
)
def convert_request(request: SourceRequest, project: str | None = None) -> Task:
    task = accept(request, project)
    return convert_source.fn(task.id, task.attempt) if task.run_id == flow_run.id else task
