"""The coordinating run of a batch: how it begins and ends, and what its stages are given."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, final

from penstock.conversion.line_files import LineFiles
from penstock.domain import errors
from penstock.domain.batch.batch import Batch, BatchStatus
from penstock.domain.ids import BatchId, FileId
from penstock.domain.task import TaskError
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.lifecycle import failure_of, new_owner
from penstock.orchestration.run.stop_signal import StopSignal
from penstock.services import Services

log = logging.getLogger(__name__)


@final
class BatchRun:
    """What the stages of one coordinating run are given. No dataclass: Prefect would walk through its fields."""

    __slots__ = ("batch", "files", "owner", "services", "stop")

    def __init__(self, batch: Batch, owner: str, services: Services, stop: StopSignal) -> None:
        self.batch: Final = batch
        self.owner: Final = owner
        self.services: Final = services
        self.stop: Final = stop
        self.files: Final = LineFiles(batch, services)

    @property
    def is_planned(self) -> bool:
        """Whether an earlier run of this attempt has planned the lines: they are converted, not planned again."""
        return self.batch.stage != "listing"

    def record_planned(self) -> None:
        """The lines are planned. Raises `Superseded`."""
        self.services.records.batches.set_stage(self.batch.id, self.batch.attempt, self.owner, "converting")

    def show_children_under(self, task_run_id: str) -> None:
        """Show the runs of the lines under this Prefect task run."""
        self.services.records.batches.set_parent(self.batch.id, self.batch.attempt, self.owner, task_run_id)

    def give_back(self) -> None:
        """Leave a paused batch, and this run's place in its worker, until it is resumed."""
        self.services.records.batches.retry(self.batch.id, self.batch.attempt, losses=0)

    def end(self, status: BatchStatus, manifest_id: FileId | None) -> None:
        """End the batch. Raises `Superseded`."""
        if not self.services.records.batches.end(self.batch.id, self.batch.attempt, status, manifest_id=manifest_id):
            raise errors.Superseded("Another run has taken this batch.")


class Replaced(Exception):
    """Another run goes on with the batch, and with the child runs of this one.

    No `Cancelled`: Prefect cancels the children of a run that ends so."""


@contextmanager
def open_batch(batch_id: BatchId, attempt: int, run_id: str, services: Services) -> Iterator[BatchRun]:
    """The run of this attempt. An error that ends it is recorded as the end of the batch; a stop of the worker gives
    the batch to another run, which goes on with the stage; then this one raises `Replaced`."""
    owner, stop = new_owner(), StopSignal()
    batch = services.records.batches.begin(batch_id, attempt, owner, run_id)
    heartbeat = Heartbeat(lambda _state, _percent: services.records.batches.heartbeat(batch_id, attempt, owner), stop)
    try:
        with (
            services.resumable.tracking(partial(stop.stop, "given_back")),
            heartbeat.running(f"heartbeat-{batch_id}"),
        ):
            heartbeat.set_deadline(math.inf)
            heartbeat.begin()
            yield BatchRun(batch, owner, services, stop)
    except Exception as error:
        if _is_replaced(batch, stop, error, services):
            raise Replaced from error
        _record_end(batch, error, services)
        raise


def _is_replaced(batch: Batch, stop: StopSignal, error: Exception, services: Services) -> bool:
    """Whether another run goes on with the batch. A stop of the worker gives it back."""
    if stop.reason == "superseded" or isinstance(error, errors.Superseded):
        return True
    return stop.reason == "given_back" and services.records.batches.retry(batch.id, batch.attempt, losses=0)


def _record_end(batch: Batch, error: Exception, services: Services) -> None:
    batches = services.records.batches
    if isinstance(error, errors.DatabaseUnavailable):
        return  # as if its worker was lost: the reconciler gives the batch to another run
    log.error("%s failed: %s %s", batch.id, type(error).__name__, getattr(error, "detail", ""))
    # A batch that has ended has no lines in work: they could not be cancelled any more.
    services.records.unfinished_runs.cancel_lines(batch.id)
    services.records.batch_items.cancel_open(batch.id)
    if isinstance(error, errors.Cancelled):
        batches.end(batch.id, batch.attempt, "cancelled")
    else:
        batches.end(batch.id, batch.attempt, "failed", batch_failure(error))


def batch_failure(error: Exception) -> TaskError:
    """Why a batch failed, as its owner sees it."""
    return failure_of(error, "validate")
