"""What a process has counted is not lost where it cannot be written."""

from types import SimpleNamespace

import pytest

from penstock.domain import errors
from penstock.metrics.counts import Counts
from penstock.orchestration.counting import save_counts


@pytest.mark.parametrize("error", [errors.DatabaseUnavailable("away"), LookupError("no such table")])
def test_what_cannot_be_written_is_written_later(error):
    written, failing = [], [error]

    def add(counted):
        if failing:
            raise failing.pop()
        written.append(counted)

    services = SimpleNamespace(counts=Counts(), records=SimpleNamespace(metrics=SimpleNamespace(add=add)))
    services.counts.add("accepted", "image")
    save_counts(services)
    services.counts.add("accepted", "image")
    save_counts(services)

    assert written == [{("accepted", "image"): 2}]
