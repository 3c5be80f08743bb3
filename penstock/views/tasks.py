"""The JSON of Tasks and Files, field by field in the order of docs/api.md, and the signed links to files."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer

from penstock.domain.api_keys import derive_key
from penstock.domain.formats import FileKind, Fit, Format, Kind
from penstock.domain.ids import FileId
from penstock.domain.task import File, FileFacts, FileStatus, State, Status, Step, Task, TaskError


def _utc_text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


UtcTime = Annotated[datetime, PlainSerializer(_utc_text, return_type=str)]


_FACTS = tuple(each.name for each in fields(FileFacts))


class ErrorView(BaseModel):
    """Why a task failed or a request was rejected. `retryable`: the same request may succeed later."""

    code: str
    message: str
    field: str | None
    step: Step | None
    retryable: bool


class RunView(BaseModel):
    """The Prefect flow run of the current attempt and the address of its page."""

    id: str
    url: str


class FileView(BaseModel):
    """A stored file: an upload (`file`) or an output (`source`). Fields that do not apply are null."""

    id: str
    object: Literal["file", "source"]
    name: str | None = Field(
        description="for people: an upload's own, cleaned; an output's is its input's, with the new ending"
    )
    kind: FileKind | None
    format: str | None
    type: str | None
    codecs: str | None
    width: int | None
    height: int | None
    duration: float | None
    fps: float | None
    frames: int | None
    bitrate: int | None
    filesize: int | None
    sha256: str | None
    url: str | None = Field(
        description="link to the bytes; needs no key, expires; null unless the file is ready, and for an output at the "
        "destination of a batch"
    )
    task: str | None = Field(description="the task that produced it; null for an upload")
    status: FileStatus = Field(description="of an import `processing`, then `ready` or `failed`; else `ready`")
    error: ErrorView | None = Field(description="why an import failed")
    metadata: dict[str, Any] | None = Field(description="what its owner has noted")
    created: UtcTime
    updated: UtcTime


class TaskView(BaseModel):
    """One request and its progress."""

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
    """Builds the views for one caller. Links start with `base_url`, are signed with `secret` and valid until `expires`
    (seconds since 1970); `run_url` gives the page of a flow run."""

    base_url: str
    secret: str
    expires: int
    run_url: Callable[[str], str]

    def task_view(self, task: Task) -> TaskView:
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
            error=error_view(task.error) if task.error else None,
            output=self.file_view(task.output) if task.output else None,
            plan=task.plan,
            run=RunView(id=task.run_id, url=self.run_url(task.run_id)) if task.run_id else None,
            batch=task.batch,
        )

    def file_view(self, file: File) -> FileView:
        link = None if file.location or file.status != "ready" else self.link(file)
        return self.deleted_file_view(file).model_copy(update={"url": link})

    def deleted_file_view(self, file: File) -> FileView:
        """A file without a link."""
        return FileView(
            id=file.id,
            object=file.object,
            name=file.name,
            url=None,
            task=file.task_id,
            status=file.status,
            error=error_view(file.error) if file.error else None,
            metadata=file.metadata,
            created=file.created,
            updated=file.updated,
            **(asdict(file.facts) if file.status == "ready" else dict.fromkeys(_FACTS)),
        )

    def link(self, file: File) -> str:
        return self.base_url + content_path(file.id, self.secret, self.expires)


def error_view(failure: TaskError) -> ErrorView:
    return ErrorView(**asdict(failure))


def content_path(file_id: FileId, secret: str, expires: int) -> str:
    """The path of a signed link to a file's bytes, valid until `expires` (seconds since 1970)."""
    return f"/files/{file_id}/content?expires={expires}&signature={_link_signature(file_id, secret, expires)}"


def is_valid_link_signature(file_id: FileId, secret: str, expires: int, signature: str) -> bool:
    return hmac.compare_digest(_link_signature(file_id, secret, expires).encode(), signature.encode())


def _link_signature(file_id: FileId, secret: str, expires: int) -> str:
    key, text = derive_key("links", secret), f"GET\n{file_id}\n{expires}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
