"""What `penstock batch` prints at the end: totals, failures and what to do, and where the manifest is."""

from collections.abc import Sequence
from typing import Any

from penstock.batches.report_page import name_text, saving_sentence
from penstock.batches.reporting import hours_text, plan_sentence, summary_sentence
from penstock.cli.batches.following import Snapshot
from penstock.cli.conversions.progress_text import time_text
from penstock.domain.batch.addresses import path_in, scheme_of, without_user_information
from penstock.domain.batch.advice import advice_for
from penstock.domain.batch.batch import Batch, BatchItem
from penstock.domain.batch.plan_totals import PlanTotals
from penstock.domain.pagination import ListQuery
from penstock.records import Records
from penstock.views.batches import BatchFacts, batch_view
from penstock.views.tasks import ViewBuilder

EXAMPLES = 10


def summary(snapshot: Snapshot, records: Records, workers: int = 1) -> str:
    """The summary as lines of text. `workers` run on this machine."""
    batch_id = snapshot.batch.id
    failures = records.batch_items.failures(batch_id)
    examples = records.batch_items.page(batch_id, ListQuery(limit=EXAMPLES), status="failed").items if failures else ()
    is_plan = snapshot.batch.status == "planned"
    totals = _plan_lines(records.batch_items.plan_totals(batch_id), workers) if is_plan else [_totals(snapshot)]
    lines = [*totals, *_failure_lines(failures), *_example_lines(snapshot.batch, examples)]
    left = sum(count for _, count in failures) - len(examples)
    more = [f"  … and {left:,} more in the manifest"] if left > 0 else []
    manifest = snapshot.batch.spec.manifest_place
    place = [f"Manifest: {place_text(manifest)}"] if manifest else []
    return "\n".join([*lines, *more, *place])


def _plan_lines(totals: PlanTotals, workers: int) -> list[str]:
    together = f"  about {hours_text(totals.hours(workers).expected)} with the {workers} workers of this machine"
    return [plan_sentence(totals), *([together] if workers > 1 else [])]


def _totals(snapshot: Snapshot) -> str:
    counts, seconds = snapshot.counts, seconds_of(snapshot.batch)
    parts = (summary_sentence(counts, ()), saving_sentence(counts).removesuffix("."), time_text(seconds or 0))
    return " · ".join(part for part in parts if part)


def seconds_of(batch: Batch) -> float | None:
    """How long its present or last run took; None before it has begun."""
    end = batch.ended or batch.updated
    return max(0.0, (end - batch.started).total_seconds()) if batch.started else None


def _failure_lines(failures: Sequence[tuple[str, int]]) -> list[str]:
    width = max((len(code) for code, _ in failures), default=0)
    digits = max((len(f"{count:,}") for _, count in failures), default=0)
    return [f"  {code:<{width}}  {count:>{digits},}  {advice_for(code)}" for code, count in failures]


def _example_lines(batch: Batch, items: Sequence[BatchItem]) -> list[str]:
    return [f"  {input_text(item, batch)}: {item.error.message if item.error else ''}" for item in items]


def input_text(item: BatchItem, batch: Batch) -> str:
    """The input as people name it: relative to the source, if it is in it; control characters escaped."""
    source = f"{(batch.spec.source or '').rstrip('/')}/"
    if batch.spec.source and item.input.startswith(source):
        return _printable(path_in(f"file://{item.input.removeprefix(source)}"))
    return _printable(name_text(item.input))


def place_text(address: str) -> str:
    """A path where it is a local file, else the address."""
    return _printable(path_in(address)) if scheme_of(address) == "file" else without_user_information(address)


def _printable(text: str) -> str:
    """A name may hold line ends, terminal codes and bytes that are no UTF-8."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def batch_json(snapshot: Snapshot, records: Records, prefect_ui_url: str | None) -> dict[str, Any]:
    """The Batch as `GET /batches/{id}` answers it, with the place of the manifest at a destination."""
    batch, is_plan = snapshot.batch, snapshot.batch.status == "planned"
    totals = records.batch_items.plan_totals(batch.id) if is_plan else None
    shown = ViewBuilder("", "", 0, lambda run_id: f"{prefect_ui_url or ''}/runs/flow-run/{run_id}")
    view = batch_view(BatchFacts(batch, snapshot.counts, totals=totals), shown).model_dump(mode="json")
    return view | {"result_manifest": batch.spec.manifest_place}
