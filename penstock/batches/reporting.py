"""The results of a batch: the manifest that grows while it runs and is published whole at the end, and its sentence."""

from collections.abc import Iterable, Iterator

from penstock.domain.batch.batch import Batch, BatchCounts, BatchItem, ItemStatus
from penstock.domain.batch.results import ManifestFormat, ResultLine, manifest_row

_WORDS: tuple[tuple[ItemStatus, str], ...] = (
    ("completed", "converted"), ("planned", "planned"), ("skipped", "skipped"), ("failed", "failed"),
    ("cancelled", "cancelled"), ("queued", "not started"),
)  # fmt: skip


def summary_sentence(counts: BatchCounts, failures: Iterable[tuple[str, int]]) -> str:
    """`987 converted, 8 skipped, 5 failed: input_unreadable 4, input_truncated 1`."""
    parts = [f"{number:,} {word}" for status, word in _WORDS if (number := counts.by_status.get(status, 0))]
    codes = ", ".join(f"{code} {number:,}" for code, number in failures)
    sentence = ", ".join(parts) or "no lines"
    return f"{sentence}: {codes}" if codes else sentence


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
        bytes_in=item.size,
        **{name: result.get(name) for name in _RESULT_NAMES},
    )


_RESULT_NAMES = ("bytes_out", "codec", "width", "height", "duration", "seconds", "quality")


def manifest_rows(items: Iterable[BatchItem], batch: Batch, written: ManifestFormat) -> Iterator[bytes]:
    for item in items:
        yield manifest_row(result_line(item, batch), written)
