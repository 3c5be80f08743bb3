"""What travels from stage to stage: each takes one value and returns the next. Paths travel, never bytes."""

from dataclasses import dataclass
from pathlib import Path

from penstock.domain.media import Media
from penstock.domain.planning.plan import Plan
from penstock.domain.receipt import Receipt
from penstock.domain.task import File, FileFacts, Task


@dataclass(frozen=True, slots=True)
class RequestedTask:
    """The task of a request from a flow run's parameter. `skip_reason` says why this run has nothing to do;
    None: the attempt is its own."""

    task: Task
    skip_reason: str | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task whose attempt is ours to run. `file` is the input where we hold it already."""

    task: Task
    file: File | None


@dataclass(frozen=True, slots=True)
class Original:
    """The input on this disk, and what its bytes say it is."""

    task: Task
    path: Path
    media: Media


@dataclass(frozen=True, slots=True)
class Rendition:
    """The output on this disk, read back and checked against its plan."""

    task: Task
    path: Path
    plan: Plan
    facts: FileFacts
    media: Media
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Stored:
    """The output in the storage, not yet visible."""

    task: Task
    file: File
    receipt: Receipt
