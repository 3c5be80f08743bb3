"""Batches and their lines as the service answers them (docs/api.md)."""

from dataclasses import dataclass, field
from datetime import datetime

from penstock.client.models import File, Run, TaskError
from penstock.client.plan_models import ExpectedRange


@dataclass(frozen=True, kw_only=True)
class BatchCounts:
    """How many lines there are, and how many have each status."""

    total: int = 0
    planned: int = 0
    queued: int = 0
    processing: int = 0
    completed: int = 0
    skipped: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """What a planned batch would do. `refusals` counts the lines that would fail, by the code of their error."""

    files: int
    actions: dict[str, int]
    skipped: int
    refusals: dict[str, int]
    unestimated: int
    bytes_in: int
    bytes_out: ExpectedRange
    seconds: ExpectedRange
    hours_on_workers: dict[str, ExpectedRange] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Many requests. `status` is `processing`, `paused`, `planned`, `completed`, `cancelled` or `failed`; `seconds` and
    `eta` are seconds since the start and until the end."""

    id: str
    status: str
    created: datetime
    updated: datetime
    name: str | None = None
    counts: BatchCounts = field(default_factory=BatchCounts)
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float | None = None
    eta: int | None = None
    manifest: File | None = None
    run: Run | None = None
    error: TaskError | None = None
    plan: BatchPlan | None = None

    @property
    def has_ended(self) -> bool:
        return self.status not in ("processing", "paused")


@dataclass(frozen=True, kw_only=True)
class BatchItem:
    """One line: what was asked, and what became of it. `output` is the id of its File, or its address at a
    destination."""

    number: int
    input: str
    status: str
    output: str | None = None
    reason: str | None = None
    error: TaskError | None = None
    task: str | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    saved: int | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    seconds: float | None = None
    quality: float | None = None
