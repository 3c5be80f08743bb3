"""What nobody finished: runs whose worker died, and runs whose end we were not told of."""

import asyncio
import logging

from prefect.client.schemas.objects import StateType

from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.domain.task import Failure
from penstock.domain.work import Running
from penstock.orchestration.runs import FlowRuns, PrefectAway
from penstock.records import Records
from penstock.settings import Settings

log = logging.getLogger(__name__)

SWEEPS_PER_LEASE = 4
PAGE = 200

LOST = Failure(
    errors.WorkerLost.code,
    "The workers that ran this task were lost, again and again. Ask for it once more, or look at the workers' logs.",
    retryable=True,
)
UNTOLD = Failure("internal", "The run ended without saying why. The operator finds it in the run's log.")


async def repair(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """Sweep for ever."""
    while True:
        try:
            await _reap(records, runs, settings)
            await _end_unheard_cancels(records, runs, settings)
            await _reconcile(records, runs, settings.attempts)
        except (errors.DatabaseUnavailable, PrefectAway) as away:
            log.info("the sweep is put off: %s", away)
        await asyncio.sleep(settings.lease_seconds / SWEEPS_PER_LEASE)


def settle_lost(task_id: TaskId, attempt: int, records: Records, attempts: int) -> None:
    """Another attempt for a task whose run died, or its end where that has happened too often."""
    task = records.tasks.read(task_id)
    if task.attempt != attempt or task.status != "processing":
        return
    if task.state == "cancelling":
        records.tasks.end(task_id, attempt, "cancelled")
    elif records.tasks.losses(task_id) + 1 >= attempts:
        records.tasks.end(task_id, attempt, "failed", LOST)
    else:
        records.tasks.reattempt(task_id, attempt)


async def _reap(records: Records, runs: FlowRuns, settings: Settings) -> None:
    for lost in await asyncio.to_thread(records.tasks.lost, settings.lease_seconds):
        log.warning("%s: attempt %d was lost", lost.task_id, lost.attempt)
        await asyncio.to_thread(settle_lost, lost.task_id, lost.attempt, records, settings.attempts)
        if lost.run_id:
            await runs.crash(lost.run_id)


async def _end_unheard_cancels(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """A cancel of a run that had not begun, and never will."""
    for entry in await asyncio.to_thread(records.tasks.unheard_cancels, settings.lease_seconds):
        await asyncio.to_thread(records.tasks.end, entry.task_id, entry.attempt, "cancelled")
        await runs.settle(entry.run_id)


async def _reconcile(records: Records, runs: FlowRuns, attempts: int) -> None:
    """The records follow Prefect where a run has ended and we have not heard."""
    after = ""
    while page := await asyncio.to_thread(records.tasks.unfinished, PAGE, after):
        after = page[-1].task_id
        known = await _states(page, runs)
        for entry in page:
            await asyncio.to_thread(_follow_end, entry, known.get(entry.run_id), records, attempts)


async def _states(page: list[Running], runs: FlowRuns) -> dict[str, StateType | None]:
    return {str(run.id): run.state_type for run in await runs.read([entry.run_id for entry in page])}


def _follow_end(entry: Running, state: StateType | None, records: Records, attempts: int) -> None:
    if state is None or state == StateType.CRASHED:
        settle_lost(entry.task_id, entry.attempt, records, attempts)
    elif state == StateType.CANCELLED:
        records.tasks.end(entry.task_id, entry.attempt, "cancelled")
    elif state in (StateType.FAILED, StateType.COMPLETED):
        records.tasks.end(entry.task_id, entry.attempt, "failed", UNTOLD)
