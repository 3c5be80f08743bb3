"""Tasks, Files and Receipts as the service answers them (docs/api.md). Plain values: they hold no key.

Fields that a newer service adds are left out; those that an older one lacks have their default. Words such as a status
are `str`, because a newer service may have more of them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

from penstock.client.saving import has_content, place_of
from penstock.errors import MediaError, error_of


@dataclass(frozen=True, kw_only=True)
class TaskError:
    """Why a Task, a Batch or a line failed. `code` is one of docs/errors.md."""

    code: str
    message: str
    field: str | None = None
    step: str | None = None
    retryable: bool = False

    def exception(self, task_id: str | None = None) -> MediaError:
        """The error to raise: its class is that of its code."""
        error = error_of(vars(self))
        error.task_id = task_id
        return error


@dataclass(frozen=True, kw_only=True)
class Run:
    """A Prefect flow run, and its page."""

    id: str
    url: str


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Read from the bytes. Seconds, pixels, bytes, bits per second; None where a fact does not apply."""

    kind: str
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


@dataclass(frozen=True, kw_only=True)
class File:
    """A stored file: an upload (`object` is `file`) or an output (`source`). `url` is a link that needs no key for an
    hour; it is left out when a File is pickled. An import has no facts until its `status` is `ready`; `error` says why
    it is `failed`."""

    id: str
    object: str
    created: datetime
    updated: datetime
    kind: str | None = None
    format: str | None = None
    type: str | None = None
    filesize: int | None = None
    sha256: str | None = None
    codecs: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    fps: float | None = None
    frames: int | None = None
    bitrate: int | None = None
    url: str | None = field(default=None, repr=False)
    task: str | None = None
    name: str | None = None
    status: str = "ready"
    error: TaskError | None = None
    metadata: dict[str, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"url": None}

    def download(self, to: str | PathLike[str], *, overwrite: bool = False, resume: bool = False) -> Path:
        """`Client.download` by the link, from the service that made it; a new link needs the key of the environment."""
        from penstock.client.clients import Client  # noqa: PLC0415 - clients answer these models

        with Client.behind(self.url) as client:
            return client.download(self, to, overwrite=overwrite, resume=resume)

    async def adownload(self, to: str | PathLike[str], *, overwrite: bool = False, resume: bool = False) -> Path:
        """The same for async programs."""
        from penstock.client.clients import AsyncClient  # noqa: PLC0415

        async with AsyncClient.behind(self.url) as client:
            return await client.download(self, to, overwrite=overwrite, resume=resume)


@dataclass(frozen=True, kw_only=True)
class StoredFile(File):
    """A File that is ready, as outputs and uploads are: its facts are known."""

    kind: str
    format: str
    type: str
    filesize: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A link that uploads (`put`) or downloads (`get`) one file without a key, until `expiry` (seconds since 1970)."""

    file_id: str
    method: str
    expiry: int
    url: str = field(repr=False)
    filename: str | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class StreamCheck:
    """One stream of an output: start and duration in seconds, and how many frames were decoded."""

    codec: str
    decoded: int
    start: float | None = None
    duration: float | None = None


@dataclass(frozen=True, kw_only=True)
class Drift:
    """By how many seconds the audio starts and ends later, relative to the video, than in the input."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """The measured similarity of output and input."""

    metric: str
    score: float
    frames: int
    at: float


@dataclass(frozen=True, kw_only=True)
class Checks:
    """How an output was verified."""

    streams: tuple[StreamCheck, ...] = ()
    expected_duration: float | None = None
    drift: Drift | None = None
    quality: Score | None = None


@dataclass(frozen=True, kw_only=True)
class Work:
    """How an output was made."""

    plan: dict[str, Any]
    argv: tuple[str, ...] = ()
    tools: dict[str, str] = field(default_factory=dict)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class InputFacts:
    """The input that was converted; its size is in bytes."""

    filesize: int


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """How the output of a Task was made and verified. Trust the payload of `signature`, a JWS, not the fields."""

    task: str
    attempt: int
    project: str
    file: str
    made: datetime
    input: InputFacts | None = None
    output: FileFacts
    checks: Checks
    work: Work
    signature: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """One request, and how far it is. `status` is `processing`, `completed`, `failed` or `cancelled`."""

    id: str
    input: str
    kind: str
    format: str
    status: str
    created: datetime
    updated: datetime
    width: int | None = None
    height: int | None = None
    fit: str | None = None
    quality: float | None = None
    state: str = ""
    progress: int = 0
    attempt: int = 1
    error: TaskError | None = None
    output: StoredFile | None = None
    plan: dict[str, Any] | None = None
    run: Run | None = None
    batch: str | None = None

    @property
    def has_ended(self) -> bool:
        return self.status != "processing"


@dataclass(frozen=True, kw_only=True)
class CompletedTask(Task):
    """A Task that has been waited for, with its output and how it was made and verified."""

    output: StoredFile
    receipt: Receipt = field(repr=False)

    @property
    def saved_bytes(self) -> int | None:
        """By how much the output is smaller than the input; None for an output of a version that did not note it."""
        return None if self.receipt.input is None else self.receipt.input.filesize - self.output.filesize

    @property
    def url(self) -> str | None:
        """The link to the output; None if it is at a destination."""
        return self.output.url

    def save(self, to: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Download the output to a path, or into a folder under its name; a folder written with `/` at its end is made.

        A file that has its bytes already stays; any other raises `FileExistsError`, unless `overwrite`."""
        place = place_of(to, self.output.name or f"{self.output.id}.{self.output.format}")
        if has_content(place, self.output.sha256):
            return place
        return self.output.download(place, overwrite=overwrite)
