"""Follows a batch in the records until it has ended, and cancels it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from penstock.domain.batch.batch import Batch, BatchCounts
from penstock.domain.errors import DatabaseUnavailable, TaskEnded
from penstock.records import Records

POLL_SECONDS = 0.5
CANCEL_SECONDS = 10.0
# A service that was killed is restarted by its operator, and a PostgreSQL that died by the service.
UNREACHABLE_SECONDS = 60.0
OPEN = ("processing", "paused")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A batch at a moment."""

    batch: Batch
    counts: BatchCounts

    @property
    def has_ended(self) -> bool:
        return self.batch.status not in OPEN


@dataclass(frozen=True, slots=True)
class Follower:
    """Reads one batch. `service_runs` tells whether a service that may run it is there, `has_ended` whether none will
    be unless somebody starts it."""

    records: Records
    batch: Batch
    service_runs: Callable[[], bool]
    has_ended: Callable[[], bool]

    def read(self) -> Snapshot:
        """Raises `DatabaseUnavailable`."""
        batch = self.records.batches.get_by_id(self.batch.id)
        return Snapshot(batch, self.records.batch_items.counts(batch.id))

    def follow(self, show: Callable[[Snapshot], None]) -> Snapshot:
        """The batch when it has ended. Raises `click.ClickException` if the service has ended, or is gone
        for a minute."""
        reachable = time.monotonic()
        while True:
            try:
                snapshot = self.read()
                show(snapshot)
                if snapshot.has_ended:
                    return snapshot
                reachable = time.monotonic() if self.service_runs() else reachable
            except DatabaseUnavailable:
                pass
            if self.has_ended() or time.monotonic() - reachable > UNREACHABLE_SECONDS:
                raise click.ClickException("The service has stopped. The same command goes on where the batch stopped.")
            time.sleep(POLL_SECONDS)

    def cancel(self) -> Snapshot:
        """Cancel the batch and wait up to 10 s until it has stopped."""
        try:
            self.records.batches.cancel(self.batch.project_id, self.batch.id)
        except TaskEnded:
            return self.read()
        deadline = time.monotonic() + CANCEL_SECONDS
        while not (snapshot := self.read()).has_ended and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS / 5)
        return snapshot
