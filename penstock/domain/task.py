"""The API's Task and File, and the words that their states are told in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from penstock.domain.formats import Kind
from penstock.domain.ids import FileId, ProjectId, TaskId
from penstock.domain.media import Media
from penstock.domain.request import SourceRequest

Status = Literal["processing", "completed", "failed", "cancelled"]
Step = Literal["validate", "fetch", "transcode", "upload", "record"]
State = Literal[
    "queued",
    "validating",
    "fetching",
    "transcoding",
    "uploading",
    "recording",
    "retrying",
    "cancelling",
    "completed",
    "failed",
    "cancelled",
]


@dataclass(frozen=True, slots=True)
class TaskError:
    """The `error` of a task, fit for its caller's eyes."""

    code: str
    message: str
    field: str | None = None
    step: Step | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read back from a file's own bytes. Seconds, pixels, bytes, bits per second."""

    kind: Kind
    format: str
    type: str
    filesize: int
    sha256: str
    codecs: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    fps: float | None = None
    frames: int | None = None
    bitrate: int | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A stored file: an upload (`object` is `file`) or an output (`source`); `key` is its place in the storage.

    `media` is the probe of its bytes, where it was kept: what a plan can be made of without reading them again."""

    id: FileId
    project_id: ProjectId
    object: Literal["file", "source"]
    facts: FileFacts
    key: str
    task_id: TaskId | None
    created: datetime
    updated: datetime
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class InputVersion:
    """What told one version of an input at an address from another when it was fetched: its origin's words, its size
    in bytes, and where the origin says nothing the digest of the bytes."""

    length: int
    etag: str | None = None
    modified: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One request and how far it is. `attempt` counts from 1; `run_id` is the Prefect flow run's."""

    id: TaskId
    project_id: ProjectId
    request: SourceRequest
    status: Status
    state: State
    progress: int
    attempt: int
    created: datetime
    updated: datetime
    error: TaskError | None = None
    output: File | None = None
    plan: dict[str, Any] | None = None
    run_id: str | None = None
    batch: str | None = None
    input_version: InputVersion | None = None


def needs_new_attempt(task: Task, request: SourceRequest) -> bool:
    """Whether the same request, asked again, is to be run again."""
    match task.status:
        case "processing":
            return False
        case "completed":
            return request.fresh or task.output is None
        case "failed" | "cancelled":
            return True
