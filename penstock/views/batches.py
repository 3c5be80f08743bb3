"""The JSON of Batches and their items."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from penstock.domain.batch.batch import ITEM_STATUSES, Batch, BatchCounts, BatchItem, BatchStatus, ItemStatus
from penstock.domain.batch.plan_totals import PlanAction, PlanTotals
from penstock.domain.planning.cost import ExpectedRange
from penstock.domain.task import File
from penstock.views.plans import RangeView
from penstock.views.tasks import ErrorView, FileView, RunView, UtcTime, ViewBuilder, error_view

WORKERS = (1, 2, 4, 8)


class CountsView(BaseModel):
    """How many lines there are, and how many have each status."""

    total: int
    planned: int
    queued: int
    processing: int
    completed: int
    skipped: int
    failed: int
    cancelled: int


class BatchPlanView(BaseModel):
    """What a planned batch would do. Bytes and seconds are of the lines to be converted, copied or reused."""

    files: int
    actions: dict[PlanAction, int] = Field(description="how many lines would be converted, copied, or reused")
    skipped: int
    refusals: dict[str, int] = Field(description="lines that would fail, by the code of their error")
    unestimated: int = Field(description="lines without an estimate; the sums lack them")
    bytes_in: int
    bytes_out: RangeView
    seconds: RangeView = Field(description="of one place of a worker")
    hours_on_workers: dict[str, RangeView] = Field(description="by the number of workers")


class BatchView(BaseModel):
    """Many requests, and how far they are. `completed`: every line has ended, failed ones too."""

    id: str
    object: Literal["batch"] = "batch"
    name: str | None
    status: BatchStatus
    counts: CountsView
    bytes_in: int = Field(description="of completed lines")
    bytes_out: int = Field(description="of completed lines")
    seconds: float | None = Field(description="since its run began, to its end; null before")
    eta: int | None = Field(description="seconds left, by the rate of this run; null if unknown, and after the end")
    manifest: FileView | None = Field(description="a line for each result; null until the batch has ended")
    run: RunView | None
    created: UtcTime
    updated: UtcTime
    error: ErrorView | None = Field(description="why the batch could not be run")
    plan: BatchPlanView | None = Field(description="null unless the batch is planned")


class BatchItemView(BaseModel):
    """One line: the columns of the result manifest. Fields that do not apply are null."""

    number: int
    input: str
    output: str | None = Field(description="id of the File; the address at a destination")
    status: ItemStatus
    reason: str | None = Field(description="what was done, would be done, or why it was skipped")
    error: ErrorView | None
    task: str | None
    bytes_in: int | None
    bytes_out: int | None
    saved: int | None
    codec: str | None
    width: int | None
    height: int | None
    duration: float | None
    seconds: float | None = Field(description="of the conversion; expected ones where it is planned")
    quality: float | None = Field(description="measured")


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """What is shown of a batch. `ended`: lines that ended in its present run; `totals`: of its plan."""

    batch: Batch
    counts: BatchCounts
    ended: int = 0
    manifest: File | None = None
    totals: PlanTotals | None = None


def batch_view(facts: BatchFacts, shown: ViewBuilder) -> BatchView:
    batch, counts, manifest = facts.batch, facts.counts, facts.manifest
    seconds = _seconds(batch)
    return BatchView(
        id=batch.id,
        name=batch.spec.name,
        status=batch.status,
        counts=_counts_view(counts),
        bytes_in=counts.bytes_in,
        bytes_out=counts.bytes_out,
        seconds=None if seconds is None else round(seconds, 1),
        eta=_seconds_left(facts, seconds),
        manifest=shown.file_view(manifest) if manifest else None,
        run=RunView(id=batch.run_id, url=shown.run_url(batch.run_id)) if batch.run_id else None,
        created=batch.created,
        updated=batch.updated,
        error=error_view(batch.error) if batch.error else None,
        plan=_plan_view(facts.totals) if facts.totals else None,
    )


def item_view(item: BatchItem) -> BatchItemView:
    result = item.result or {}
    bytes_in = result.get("bytes_in") if item.size is None else item.size
    bytes_out = result.get("bytes_out")
    return BatchItemView(
        number=item.number,
        input=item.input,
        output=item.output or result.get("file"),
        status=item.status,
        reason=item.reason,
        error=error_view(item.error) if item.error else None,
        task=item.task_id,
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        saved=None if bytes_in is None or bytes_out is None else bytes_in - bytes_out,
        **{name: result.get(name) for name in ("codec", "width", "height", "duration", "seconds", "quality")},
    )


def _counts_view(counts: BatchCounts) -> CountsView:
    return CountsView(total=counts.total, **{status: counts.by_status.get(status, 0) for status in ITEM_STATUSES})


def _seconds(batch: Batch) -> float | None:
    if batch.started is None:
        return None
    return ((batch.ended or datetime.now(UTC)) - batch.started).total_seconds()


def _seconds_left(facts: BatchFacts, seconds: float | None) -> int | None:
    if facts.batch.status != "processing" or not facts.ended or seconds is None:
        return None
    left = sum(facts.counts.by_status.get(status, 0) for status in ("queued", "processing"))
    return round(left * seconds / facts.ended)


def _plan_view(totals: PlanTotals) -> BatchPlanView:
    return BatchPlanView(
        files=totals.files,
        actions=dict(totals.actions),
        skipped=totals.skipped,
        refusals=dict(totals.refusals),
        unestimated=totals.unestimated,
        bytes_in=totals.bytes_in,
        bytes_out=_range_view(totals.bytes_out, 0),
        seconds=_range_view(totals.seconds, 1),
        hours_on_workers={str(workers): _range_view(totals.hours(workers), 4) for workers in WORKERS},
    )


def _range_view(expected: ExpectedRange, digits: int) -> RangeView:
    values = {name: round(getattr(expected, name), digits) for name in ("expected", "low", "high")}
    return RangeView(**values)
