"""The values that stages take and return. Files are passed as paths, never as bytes."""

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
    """A task whose attempt this run has begun. `file` is the input if it is a stored file."""

    task: Task
    file: File | None


@dataclass(frozen=True, slots=True)
class Original:
    """The input on the local disk, with its probed facts. `sha256` is that of its bytes, where it is known; `modified`
    its time of modification in nanoseconds."""

    task: Task
    path: Path
    media: Media
    sha256: str | None = None
    modified: int | None = None


@dataclass(frozen=True, slots=True)
class Rendition:
    """The output on the local disk, verified against its plan. `conversion` is as in `File`."""

    task: Task
    path: Path
    plan: Plan
    facts: FileFacts
    media: Media
    receipt: Receipt
    conversion: str | None = None


@dataclass(frozen=True, slots=True)
class Reuse:
    """The output of an equal conversion, in place of another encode. `path` is a copy of it for a destination."""

    task: Task
    earlier: File
    receipt: Receipt
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The output in the object store, not yet visible to callers."""

    task: Task
    file: File
    receipt: Receipt
