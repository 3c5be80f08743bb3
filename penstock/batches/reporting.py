"""The results of a batch: the manifest that grows while it runs and is published whole at the end, and its sentence."""

from collections.abc import Callable, Iterable, Iterator

from penstock.domain.batch.batch import Batch, BatchCounts, BatchItem, ItemStatus
from penstock.domain.batch.plan_totals import PlanAction, PlanTotals
from penstock.domain.batch.results import ManifestFormat, ResultLine, manifest_row
from penstock.domain.planning.cost import ExpectedRange

_WORDS: tuple[tuple[ItemStatus, str], ...] = (
    ("completed", "converted"), ("planned", "planned"), ("skipped", "skipped"), ("failed", "failed"),
    ("cancelled", "cancelled"), ("queued", "not started"),
)  # fmt: skip
_ACTIONS: tuple[PlanAction, ...] = ("convert", "copy", "reuse")


def summary_sentence(counts: BatchCounts, failures: Iterable[tuple[str, int]]) -> str:
    """`987 converted, 8 skipped, 5 failed: input_unreadable 4, input_truncated 1`."""
    parts = [f"{number:,} {word}" for status, word in _WORDS if (number := counts.by_status.get(status, 0))]
    codes = ", ".join(f"{code} {number:,}" for code, number in failures)
    sentence = ", ".join(parts) or "no lines"
    return f"{sentence}: {codes}" if codes else sentence


def plan_sentence(totals: PlanTotals) -> str:
    """`1,200 convert, 8 skip, 5 refuse: upscale_not_allowed 5 · 4.1 GB → about 1.2 GB (0.9 GB – 1.6 GB) · about 3.1 h
    of one worker`."""
    counts = [(totals.actions.get(action, 0), action) for action in _ACTIONS]
    parts = [f"{number:,} {word}" for number, word in (*counts, (totals.skipped, "skip")) if number]
    refused = sum(totals.refusals.values())
    codes = ", ".join(f"{code} {number:,}" for code, number in totals.refusals.items())
    parts += [f"{refused:,} refuse: {codes}"] if refused else []
    return " · ".join((", ".join(parts) or "no lines", *_costs(totals)))


def _costs(totals: PlanTotals) -> list[str]:
    if not totals.actions:
        return []
    size = _range_text(totals.bytes_out, size_text)
    hours = _range_text(totals.hours(), hours_text)
    unknown = [f"{totals.unestimated:,} not estimated"] if totals.unestimated else []
    return [f"{size_text(totals.bytes_in)} → about {size}", f"about {hours} of one worker", *unknown]


def _range_text(value: ExpectedRange, written: Callable[[float], str]) -> str:
    expected, low, high = written(value.expected), written(value.low), written(value.high)
    return expected if low == high else f"{expected} ({low} – {high})"


def size_text(size: float) -> str:
    """Bytes in decimal units, as file managers show them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def hours_text(hours: float) -> str:
    """`3.1 h`, `4 min` or `20 s`."""
    seconds = hours * 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{hours:.1f} h"


def result_line(item: BatchItem, batch: Batch) -> ResultLine:
    """The line of the result manifest."""
    result = item.result or {}
    error = f"{item.error.code}: {item.error.message}" if item.error else None
    return ResultLine(
        input=item.input,
        status=item.status,
        request={**batch.spec.defaults, **(item.fields or {})},
        output=item.output or result.get("file"),
        reason=item.reason,
        error=error,
        task=item.task_id,
        bytes_in=item.size if item.size is not None else result.get("bytes_in"),
        **{name: result.get(name) for name in _RESULT_NAMES},
    )


_RESULT_NAMES = ("bytes_out", "codec", "width", "height", "duration", "seconds", "quality")


def manifest_rows(items: Iterable[BatchItem], batch: Batch, written: ManifestFormat) -> Iterator[bytes]:
    for item in items:
        yield manifest_row(result_line(item, batch), written)
