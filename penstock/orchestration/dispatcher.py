"""Creates the flow runs of the outbox: one run for every accepted attempt, however long Prefect is unavailable."""

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager

from penstock.domain import errors
from penstock.domain.attempts import OutboxEntry
from penstock.domain.batch.batch import PendingRun
from penstock.orchestration.flow_runs import FlowRuns, PrefectUnavailable
from penstock.records import Records

log = logging.getLogger(__name__)

CLAIMED_AT_ONCE = 8
POLL_SECONDS = 1.0
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)


async def dispatch(records: Records, runs: FlowRuns, woken: asyncio.Event, per_project: int | None = None) -> None:
    """Create runs for ever, for a project no more than `per_project` at once.

    `woken` is set when the outbox has a new row; a poll each second finds what was missed."""
    while True:
        woken.clear()  # before the outbox is read: what is added during the read wakes the wait below
        while await _submit_due(records, runs, per_project) + await _submit_pending(records, runs, per_project):
            pass
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await woken.wait()
        except TimeoutError:
            continue


async def _submit_due(records: Records, runs: FlowRuns, per_project: int | None) -> int:
    try:
        due = await asyncio.to_thread(records.tasks.claim_due, CLAIMED_AT_ONCE, per_project)
    except errors.DatabaseUnavailable:
        return 0
    await asyncio.gather(*(submit(entry, records, runs) for entry in due))
    return len(due)


async def _submit_pending(records: Records, runs: FlowRuns, per_project: int | None) -> int:
    """The runs of batches, chunks and imports."""
    try:
        due = await asyncio.to_thread(records.unfinished_runs.claim_due, CLAIMED_AT_ONCE, per_project)
    except errors.DatabaseUnavailable:
        return 0
    await asyncio.gather(*(submit_pending(pending, records, runs) for pending in due))
    return len(due)


async def submit_pending(pending: PendingRun, records: Records, runs: FlowRuns) -> None:
    """Create the run of a batch, chunk or import and record its id, or schedule another try."""
    with _database_may_fail(pending.id):
        try:
            run_id = await runs.create_pending(pending)
            if not await asyncio.to_thread(records.unfinished_runs.record_run, pending, run_id):
                await runs.cancel(run_id)
        except PrefectUnavailable as unavailable:
            log.info("no run for %s yet: %s", pending.id, unavailable)
            await asyncio.to_thread(records.unfinished_runs.postpone, pending, _backoff_seconds(pending.tries))


async def submit(entry: OutboxEntry, records: Records, runs: FlowRuns) -> None:
    """Create the run of one attempt and record its id, or schedule another try."""
    with _database_may_fail(entry.task_id):
        try:
            task = await asyncio.to_thread(records.tasks.get_by_id, entry.task_id)
            if (task.attempt, task.status) != (entry.attempt, "processing"):
                # The task was cancelled meanwhile; a later attempt has an entry of its own. Or a dispatcher died after
                # it had created the run and before it recorded that, and the run has ended. Left in the outbox, the
                # entry would be claimed again and again, and take one of its project's places for ever.
                await asyncio.to_thread(records.tasks.drop_pending, entry)
                return
            parent = await asyncio.to_thread(records.unfinished_runs.parent_of, task) if task.batch else None
            run_id = await runs.create(task, parent)
            if not await asyncio.to_thread(records.tasks.record_run, entry, run_id):
                await runs.cancel(run_id)
        except PrefectUnavailable as unavailable:
            log.info("no run for %s yet: %s", entry.task_id, unavailable)
            await asyncio.to_thread(records.tasks.postpone, entry, _backoff_seconds(entry.tries))


@contextmanager
def _database_may_fail(submitted: str) -> Iterator[None]:
    """What is submitted stays claimed for 30 s, and is then submitted again. Prefect is often away at the same time:
    its database is on the same server."""
    try:
        yield
    except errors.DatabaseUnavailable:
        log.warning("the database became unavailable while %s was submitted", submitted)


def _backoff_seconds(tries: int) -> float:
    return BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1] * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
