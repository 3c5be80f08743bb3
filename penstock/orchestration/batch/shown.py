"""What the Prefect UI shows of a batch: the name of its run, its progress, and a page at the end."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run

from penstock.batches.report_page import plan_page, report_page
from penstock.domain.batch.batch import Batch, BatchCounts
from penstock.domain.batch.plan_totals import PlanTotals
from penstock.orchestration.batch.batch_run import BatchRun
from penstock.orchestration.run.heartbeat import RunProgress
from penstock.orchestration.run.prefect_artifacts import artifact_key, progress_artifact

log = logging.getLogger(__name__)

TASK_RUN_TRIES, TASK_RUN_SECONDS = 50, 0.1
_OPEN = ("queued", "processing")


def rename_run(batch: Batch, count: int) -> None:
    """`batch photos → webp · 12,403 files`. An error of Prefect is only logged."""
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run.id), name=f"batch {batch.title} · {count:,} files")
    except httpx.HTTPError as error:
        log.info("the run of %s was not renamed: %s", batch.id, type(error).__name__)


def wait_for_task_run(task_run_id: str) -> bool:
    """Whether Prefect knows a task run: it records them by events, a moment after they begin. A run that names a parent
    which is not there yet is not created."""
    with get_client(sync_client=True) as client:
        for _ in range(TASK_RUN_TRIES):
            try:
                client.read_task_run(UUID(task_run_id))
            except (ObjectNotFound, httpx.HTTPError):
                time.sleep(TASK_RUN_SECONDS)
            else:
                return True
    return False


@contextmanager
def shown_progress(run: BatchRun) -> Iterator[Callable[[int], None]]:
    """Show the percentage of lines that have ended; call what this yields with how many more have."""
    progress = BatchProgress(run)
    with progress_artifact(
        progress.shown, f"{run.batch.title} · {progress.total:,} files", artifact_key("progress", run.batch.id)
    ):
        yield progress.add


class BatchProgress:
    """Counts lines that have ended. Used by the coordinating thread; the artifact's thread reads `shown`."""

    def __init__(self, run: BatchRun) -> None:
        counts = run.services.records.batch_items.counts(run.batch.id)
        self.total = counts.total
        self._ended = counts.total - sum(counts.by_status.get(status, 0) for status in _OPEN)  # type: ignore[call-overload]
        self.shown = RunProgress()
        self.add(0)

    def add(self, ended: int) -> None:
        self._ended += ended
        self.shown.set_percent(100 * self._ended // max(1, self.total))


def report_artifact(
    run: BatchRun, manifest: str | None, counts: BatchCounts, failures: Sequence[tuple[str, int]]
) -> None:
    """The page of a batch's results. The records have them already, so an error of Prefect is only logged."""
    slowest = run.services.records.batch_items.slowest(run.batch.id, 10)
    _show_page(run, report_page(run.batch, manifest, counts, failures, slowest))


def plan_artifact(run: BatchRun, manifest: str | None, totals: PlanTotals) -> None:
    """The page of a plan."""
    _show_page(run, plan_page(run.batch, manifest, totals))


def _show_page(run: BatchRun, page: str) -> None:
    try:
        create_markdown_artifact(
            page, key=artifact_key("batch", run.batch.id), description=f"Results of {run.batch.title}"
        )
    except httpx.HTTPError as error:
        log.info("the page of %s was not created: %s", run.batch.id, type(error).__name__)
