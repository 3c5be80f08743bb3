"""What is shown of batches, read from the records."""

from collections.abc import Sequence
from contextlib import suppress

from penstock.domain import errors
from penstock.domain.batch.batch import Batch
from penstock.domain.task import File
from penstock.records import Records
from penstock.views.batches import BatchFacts


def facts_of(records: Records, batches: Sequence[Batch]) -> list[BatchFacts]:
    items = records.batch_items
    counts = items.counts_of([batch.id for batch in batches])
    return [
        BatchFacts(
            batch=batch,
            counts=counts[batch.id],
            ended=items.count_ended(batch.id, batch.started) if batch.status == "processing" and batch.started else 0,
            manifest=_manifest_of(records, batch),
            totals=items.plan_totals(batch.id) if batch.status == "planned" else None,
        )
        for batch in batches
    ]


def _manifest_of(records: Records, batch: Batch) -> File | None:
    """The result manifest, unless it was deleted."""
    if batch.manifest_id is not None:
        with suppress(errors.FileNotFound):
            return records.files.get(batch.project_id, batch.manifest_id)
    return None
