"""The totals of a plan are summed by the database."""

from dataclasses import replace

import pytest

from penstock.domain.batch.batch import Batch, BatchItem, BatchOrder
from penstock.domain.batch.plan_totals import LineEstimate
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.ids import ProjectId
from penstock.domain.planning.cost import ExpectedRange
from penstock.domain.task import TaskError
from penstock.records import Records

LARGE = LineEstimate("convert", 3 * 2**30, ExpectedRange(2.5e9, 2e9, 3e9), ExpectedRange(7200, 3600, 10_800), places=2)
SMALL = LineEstimate("copy", 10, ExpectedRange(10, 10, 10), ExpectedRange(2, 2, 2), places=2)


@pytest.fixture
def batch(records: Records, project: ProjectId) -> Batch:
    return records.batches.submit(project, BatchOrder(BatchSpec(source="/in")))


def add(records: Records, batch: Batch, *items: BatchItem) -> None:
    records.batch_items.add(batch.id, [replace(item, number=number) for number, item in enumerate(items, 1)])


def planned(estimate: LineEstimate) -> BatchItem:
    return BatchItem(0, "file:///in/a", "planned", result=estimate.as_result())


def failed(code: str) -> BatchItem:
    return BatchItem(0, "file:///in/b", "failed", error=TaskError(code, "It is refused."))


def test_sizes_beyond_four_gigabytes_and_times_are_summed(records: Records, batch: Batch):
    add(records, batch, planned(LARGE), planned(LARGE), planned(SMALL))
    totals = records.batch_items.plan_totals(batch.id)

    assert (totals.actions, totals.bytes_in) == ({"convert": 2, "copy": 1}, 6 * 2**30 + 10)
    assert totals.bytes_out == ExpectedRange(5_000_000_010, 4_000_000_010, 6_000_000_010)
    assert totals.seconds == ExpectedRange(14_402, 7202, 21_602)
    assert totals.hours(2).expected == pytest.approx(1.0, abs=0.001)
    assert records.batch_items.counts(batch.id).by_status == {"planned": 3}


def test_refusals_are_counted_by_code_the_most_frequent_first(records: Records, batch: Batch):
    add(records, batch, failed("input_truncated"), failed("upscale_not_allowed"), failed("upscale_not_allowed"))
    totals = records.batch_items.plan_totals(batch.id)

    assert list(totals.refusals.items()) == [("upscale_not_allowed", 2), ("input_truncated", 1)]
    assert (totals.files, totals.hours().expected) == (3, 0)


def test_lines_without_an_estimate_are_told_apart(records: Records, batch: Batch):
    add(records, batch, planned(LineEstimate("convert")), BatchItem(0, "file:///in/c", "skipped", reason="unchanged"))
    totals = records.batch_items.plan_totals(batch.id)

    assert (totals.actions, totals.unestimated, totals.skipped) == ({"convert": 1}, 1, 1)


def test_a_batch_without_lines_has_empty_totals(records: Records, batch: Batch):
    assert records.batch_items.plan_totals(batch.id).files == 0
