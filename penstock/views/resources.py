"""Tasks and Files as their callers see them: the contract's JSON, field for field, in its order."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer

from penstock.domain.formats import Format, Kind
from penstock.domain.request import Fit
from penstock.domain.task import File, State, Status, Step, Task, TaskError
from penstock.views.links import content_path


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


UtcTime = Annotated[datetime, PlainSerializer(_in_utc, return_type=str)]


class ErrorView(BaseModel):
    """What went wrong, and where. `retryable`: the same again may go well."""

    code: str
    message: str
    field: str | None
    step: Step | None
    retryable: bool


class RunView(BaseModel):
    """The Prefect flow run of the current attempt, and its page."""

    id: str
    url: str


class FileView(BaseModel):
    """A stored file: an upload (`file`) or an output (`source`). What does not apply is null."""

    id: str
    object: Literal["file", "source"]
    kind: Kind
    format: str
    type: str
    codecs: str | None
    width: int | None
    height: int | None
    duration: float | None
    fps: float | None
    frames: int | None
    bitrate: int | None
    filesize: int
    sha256: str
    url: str | None = Field(description="serves the bytes, without a key, until it expires; null once deleted")
    task: str | None = Field(description="the task that made it")
    created: UtcTime
    updated: UtcTime


class TaskView(BaseModel):
    """One request, and how far it is."""

    id: str
    object: Literal["task"] = "task"
    input: str
    kind: Kind
    format: Format
    status: Status
    created: UtcTime
    updated: UtcTime
    width: int | None
    height: int | None
    fit: Fit | None
    quality: float
    state: State
    progress: int = Field(ge=0, le=100)
    attempt: int
    error: ErrorView | None
    output: FileView | None
    plan: dict[str, Any] | None
    run: RunView | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class ViewBuilder:
    """For whom things are shown: the base of the links, what signs them and until when, where runs have their pages."""

    base_url: str
    secret: str
    expires: int
    run_url: Callable[[str], str]

    def task(self, task: Task) -> TaskView:
        request = task.request
        return TaskView(
            id=task.id,
            input=request.input,
            kind=request.kind,
            format=request.format,
            status=task.status,
            created=task.created,
            updated=task.updated,
            width=request.width,
            height=request.height,
            fit=None if request.kind == "audio" else request.fit,
            quality=request.quality,
            state=task.state,
            progress=task.progress,
            attempt=task.attempt,
            error=_error(task.error) if task.error else None,
            output=self.file(task.output) if task.output else None,
            plan=task.plan,
            run=RunView(id=task.run_id, url=self.run_url(task.run_id)) if task.run_id else None,
            batch=task.batch,
        )

    def file(self, file: File) -> FileView:
        return self.deleted(file).model_copy(update={"url": self.link(file)})

    def deleted(self, file: File) -> FileView:
        """A file whose bytes are gone."""
        return FileView(
            id=file.id,
            object=file.object,
            url=None,
            task=file.task_id,
            created=file.created,
            updated=file.updated,
            **asdict(file.facts),
        )

    def link(self, file: File) -> str:
        return self.base_url + content_path(file.id, self.secret, self.expires)


def _error(failure: TaskError) -> ErrorView:
    return ErrorView(**asdict(failure))
