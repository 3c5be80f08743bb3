"""A batch, its items and its chunks, as the records hold them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.domain.batch.workload import QueueKind
from penstock.domain.ids import BatchId, ChunkId, FileId, ProjectId, TaskId
from penstock.domain.receipt import Receipt
from penstock.domain.task import File, InputVersion, Status, Task, TaskError

BatchStatus = Literal["planned", "processing", "paused", "completed", "cancelled", "failed"]
# Until every line is planned, a new run of an attempt begins with the listing.
BatchStage = Literal["listing", "converting"]
ItemStatus = Literal["planned", "queued", "processing", "completed", "skipped", "failed", "cancelled"]

PendingObject = Literal["batch", "chunk", "import"]

ITEM_STATUSES: tuple[ItemStatus, ...] = (
    "planned", "queued", "processing", "completed", "skipped", "failed", "cancelled",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. `attempt` counts its coordinating runs from 1. `trusted`: it may read and write any address, since the
    owner of this machine started it; others stay within `PENSTOCK_BATCH_ROOTS`."""

    id: BatchId
    project_id: ProjectId
    spec: BatchSpec
    options: RunOptions
    status: BatchStatus
    stage: BatchStage
    attempt: int
    trusted: bool
    created: datetime
    updated: datetime
    started: datetime | None = None
    ended: datetime | None = None
    error: TaskError | None = None
    manifest_id: FileId | None = None
    run_id: str | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.spec.title


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One line. `fields` are those of its manifest or request; `input` and `output` are addresses, or a file id.

    `version` identifies the content of the input when it was listed; `result` has the facts of the output."""

    number: int
    input: str
    status: ItemStatus = "queued"
    output: str | None = None
    fields: dict[str, Any] | None = None
    size: int | None = None
    version: str | None = None
    modified: float | None = None
    reason: str | None = None
    error: TaskError | None = None
    task_id: TaskId | None = None
    seconds: float | None = None
    replaces: bool = False
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What a caller asks for. `lines` came with the request; `run_id` is a flow run that submits the batch for
    itself."""

    spec: BatchSpec
    options: RunOptions = field(default_factory=RunOptions)
    lines: Sequence[BatchItem] = ()
    trusted: bool = False
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class KnownTask:
    """What the records know of a line's request: its last conversion, and its output, if that is not deleted.

    `output_version` identifies the content at a destination; `noted_bytes` is the size of an output that a run was
    about to publish when it died; `lasting_error` is the code of an error that the same input has again."""

    id: TaskId
    status: Status
    updated: datetime
    input_version: InputVersion | None
    output_id: FileId | None
    output_bytes: int | None
    output_version: str | None
    noted_bytes: int | None
    result: dict[str, Any] | None
    lasting_error: str | None = None


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """How many lines have which status, with the bytes of completed inputs and outputs."""

    by_status: dict[ItemStatus, int]
    bytes_in: int
    bytes_out: int

    @property
    def total(self) -> int:
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class ConvertedLine:
    """A task whose output is stored, or is to be stored next. `version` is that of its input."""

    task: Task
    file: File
    receipt: Receipt
    version: InputVersion | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that one run converts. `lines` are its unfinished tasks, `noted` those outputs of them that an earlier run
    was about to publish."""

    id: ChunkId
    batch_id: BatchId
    project_id: ProjectId
    queue: QueueKind
    attempt: int
    name: str
    lines: tuple[Task, ...]
    noted: dict[TaskId, ConvertedLine]


@dataclass(frozen=True, slots=True)
class PendingRun:
    """A batch, a chunk or an import that needs a flow run. `parent` is the Prefect task run that it is shown under."""

    object: PendingObject
    id: str
    batch_id: BatchId | None
    project_id: ProjectId
    attempt: int
    name: str
    tries: int
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedRun:
    """The flow run of an unfinished batch, chunk or import. `begun`: it has sent a heartbeat; `losses`: so many runs
    before it were lost; `slots`: leases of the encoder slots that it holds."""

    object: PendingObject
    id: str
    attempt: int
    run_id: str
    begun: bool
    losses: int
    slots: tuple[str, ...] = ()
