"""Converts the planned lines of a batch: hands them to runs, follows them, and stops when the batch should."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from penstock.batches.feeding import Feeder
from penstock.batches.manifest_file import ManifestFile
from penstock.domain import errors
from penstock.domain.batch.batch import Batch, BatchStatus
from penstock.services import Services

POLL_SECONDS = 0.5
# How long a cancel waits for lines in work; their runs learn of it once a second.
CANCEL_SECONDS = 30.0
# The lines in work wait as long for the database.
DATABASE_TRIES = 30
RETRY_SECONDS = 2.0


class Stop(Protocol):
    """Whether and why the coordinating run should stop."""

    @property
    def reason(self) -> str | None: ...

    def is_set(self) -> bool: ...

    def wait(self, seconds: float) -> bool: ...

    def require_unset(self) -> None: ...


@dataclass
class Coordinator:
    """The loop of one coordinating run. `show` is called with the number of lines that have ended since."""

    batch: Batch
    services: Services
    stop: Stop
    feeder: Feeder
    manifest: ManifestFile
    show: Callable[[int], None]

    def run(self) -> BatchStatus:
        """Until every line has ended, the time for it is over, or the batch is paused and nothing of it runs. Returns
        what the batch is then. Raises `Cancelled` where another run goes on."""
        unavailable = 0
        while not self.stop.is_set():
            try:
                ended = self.follow()
                if (status := self._feed()) is not None and not self._count_processing():
                    return self._ended(status)
                unavailable, seconds = 0, 0.0 if ended else POLL_SECONDS
            except errors.DatabaseUnavailable:
                unavailable += 1
                if unavailable > DATABASE_TRIES:
                    raise
                seconds = RETRY_SECONDS
            self.stop.wait(seconds)
        if self.stop.reason != "cancelled":
            self.stop.require_unset()
        self.cancel()
        return "cancelled"

    def follow(self) -> int:
        """Take over how lines ended; returns how many did."""
        ended = self.services.records.batch_items.follow_tasks(self.batch.id)
        self.manifest.append(ended)
        self.show(len(ended))
        return len(ended)

    def _feed(self) -> BatchStatus | None:
        """What the batch is as soon as nothing of it runs; None: more lines are to be handed out. While none may
        start, those that wait for a run do not start either."""
        is_over = self.feeder.is_over
        is_paused = not is_over and self.services.records.batches.get_by_id(self.batch.id).status == "paused"
        if not is_over and not is_paused:
            return None if self.feeder.feed() else "completed"
        self.services.records.unfinished_runs.take_back(self.batch.id)
        return "paused" if is_paused else "completed"

    def _ended(self, status: BatchStatus) -> BatchStatus:
        """The runs of the lines may have heard of a cancel, and ended the last of them, before this run does."""
        if not self.services.records.batches.is_cancelling(self.batch.id):
            return status
        self.cancel()
        return "cancelled"

    def _count_processing(self) -> int:
        return self.services.records.batch_items.count(self.batch.id, "processing")

    def cancel(self) -> None:
        """End every line: at once what waits, and what runs as soon as its run has stopped."""
        self.services.records.unfinished_runs.cancel_lines(self.batch.id)
        for _ in range(int(CANCEL_SECONDS / POLL_SECONDS)):
            self.follow()
            if not self._count_processing():
                break
            time.sleep(POLL_SECONDS)
        self.services.records.batch_items.cancel_open(self.batch.id)
