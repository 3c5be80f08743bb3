"""From outbox to flow run: every attempt promised to a caller gets its run, once, however long Prefect is away."""

import asyncio
import logging
import random

from penstock.domain import errors
from penstock.domain.attempts import OutboxEntry
from penstock.orchestration.flow_runs import FlowRuns, PrefectUnavailable
from penstock.records import Records

log = logging.getLogger(__name__)

AT_ONCE = 8
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)


async def dispatch(records: Records, runs: FlowRuns, woken: asyncio.Event, per_project: int | None = None) -> None:
    """Submit what is due, for ever; `woken` says that there is news, a second's patience covers what it missed.

    A project has no more than `per_project` runs at once."""
    while True:
        while await _submit_due(records, runs, per_project):
            pass
        woken.clear()
        try:
            async with asyncio.timeout(1.0):
                await woken.wait()
        except TimeoutError:
            continue


async def _submit_due(records: Records, runs: FlowRuns, per_project: int | None) -> int:
    try:
        due = await asyncio.to_thread(records.tasks.claim_due, AT_ONCE, per_project)
    except errors.DatabaseUnavailable:
        return 0
    await asyncio.gather(*(_submit(submission, records, runs) for submission in due))
    return len(due)


async def _submit(submission: OutboxEntry, records: Records, runs: FlowRuns) -> None:
    try:
        task = await asyncio.to_thread(records.tasks.get_by_id, submission.task_id)
        if (task.attempt, task.status) != (submission.attempt, "processing"):
            # It was cancelled meanwhile, and perhaps asked for again: that attempt has a submission of its own. Or its
            # run was made by a dispatcher that died before it could note it, and has ended: the submission, left
            # behind, would be lent again and again and take one of its project's few places for ever.
            await asyncio.to_thread(records.tasks.drop_pending, submission)
            return
        run_id = await runs.create(task)
        if not await asyncio.to_thread(records.tasks.record_run, submission, run_id):
            await runs.cancel(run_id)
    except PrefectUnavailable as away:
        delay = BACKOFF_SECONDS[min(submission.tries, len(BACKOFF_SECONDS)) - 1] * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
        log.info("no run for %s yet: %s", submission.task_id, away)
        await asyncio.to_thread(records.tasks.postpone, submission, delay)
    except errors.DatabaseUnavailable:
        log.warning("the database went away while %s was submitted", submission.task_id)
