"""The benchmark of batches runs: its figures are not judged here."""

import pytest

from benchmarks.batch import photos
from benchmarks.harness.rounds import QUICK

pytestmark = pytest.mark.service


def test_the_benchmark_of_batches_compares_with_every_peer():
    *compared, again = photos.rows(QUICK)
    assert [row.peer for row in compared] == [peer.name for peer in photos.PEERS]
    assert all(row.ratio > 0 for row in compared)
    assert again.note.endswith("0.00 s"), "nothing is decoded where nothing changed"
