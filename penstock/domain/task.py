"""The API's Task and File, with their statuses and states."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from penstock.domain import errors
from penstock.domain.file_names import name_in_address
from penstock.domain.formats import FileKind
from penstock.domain.ids import BatchId, ChunkId, FileId, ProjectId, TaskId
from penstock.domain.media import Media
from penstock.domain.request import SourceRequest

Status = Literal["processing", "completed", "failed", "cancelled"]
FileStatus = Literal["processing", "ready", "failed"]
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
    """The `error` of a task, as its caller sees it."""

    code: str
    message: str
    field: str | None = None
    step: Step | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The public facts of a file, read from its bytes. Seconds, pixels, bytes, bits per second."""

    kind: FileKind | Literal[""]
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


# In place of the facts of a file that is not ready.
NO_FACTS = FileFacts(kind="", format="", type="", filesize=0, sha256="")


@dataclass(frozen=True, slots=True)
class File:
    """A stored file: an upload (`object` is `file`) or an output (`source`). `key` is its key in the object store.

    `media` is the result of its probe, if it was stored: plans are made from it without reading the file. `location` is
    the address of an output that a batch wrote to its destination, `location_version` identifies its content there;
    such a file has no key, and is never ours to delete. `conversion` is the digest of the conversion that made it
    (`planning.recipe`). `name` is for people (`file_names`). A file that is imported from an address has `NO_FACTS` and
    no bytes until its `status` is `ready`; `error` says why it is `failed`. `metadata` is its owner's."""

    id: FileId
    project_id: ProjectId
    object: Literal["file", "source"]
    facts: FileFacts
    key: str
    task_id: TaskId | None
    created: datetime
    updated: datetime
    media: Media | None = None
    location: str | None = None
    location_version: str | None = None
    conversion: str | None = None
    name: str | None = None
    status: FileStatus = "ready"
    error: TaskError | None = None
    metadata: dict[str, Any] | None = None

    @property
    def shares_bytes(self) -> bool:
        """Whether its bytes were stored for an earlier output."""
        return self.object == "source" and bool(self.key) and not self.key.endswith(f"/{self.id}")


@dataclass(frozen=True, slots=True)
class InputVersion:
    """What identifies the version of a fetched input: its size in bytes, `ETag` and `Last-Modified`, and its sha256."""

    length: int
    etag: str | None = None
    modified: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One request and its progress. `attempt` counts from 1; `run_id` is the id of the Prefect flow run, shared by the
    tasks of one chunk. `file_name` is the name that the input was uploaded with."""

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
    batch: BatchId | None = None
    input_version: InputVersion | None = None
    chunk_id: ChunkId | None = None
    file_name: str | None = None

    @property
    def input_name(self) -> str | None:
        """The input's name, for people; None where it has none that may be shown."""
        return name_in_address(self.request.url) if self.request.url else self.file_name

    @property
    def shown_input(self) -> str:
        """The input's name, or what stands for it."""
        return self.input_name or self.request.file_id or "an address"


def needs_new_attempt(task: Task, request: SourceRequest) -> bool:
    """Whether sending the same request again starts another attempt."""
    match task.status:
        case "processing":
            return False
        case "completed":
            return request.fresh or task.output is None
        case "failed":
            return task.error is None or task.error.code != errors.InputQuarantined.code
        case "cancelled":
            return True
