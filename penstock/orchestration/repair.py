"""What nobody finished: runs whose worker died, and runs whose end we were not told of."""

import asyncio
import logging
from datetime import UTC, datetime

from prefect.client.schemas.objects import State, StateType

from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.domain.task import Failure
from penstock.domain.work import Running
from penstock.orchestration.heartbeat import BEAT_SECONDS
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


async def repair(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """Sweep for ever."""
    while True:
        try:
            await _reap(records, runs, settings)
            await _reconcile(records, runs, settings)
        except (errors.DatabaseUnavailable, PrefectAway) as away:
            log.info("the sweep is put off: %s", away)
        await asyncio.sleep(settings.lease_seconds / SWEEPS_PER_LEASE)


def settle_lost(task_id: TaskId, attempt: int, records: Records, attempts: int) -> bool:
    """Another attempt for a task whose run died, or its end where that happened too often. False: it has gone on."""
    task = records.tasks.read(task_id)
    if task.attempt != attempt or task.status != "processing":
        return False
    log.warning("%s: attempt %d was lost", task_id, attempt)
    if task.state == "cancelling":
        return records.tasks.end(task_id, attempt, "cancelled")
    if records.tasks.losses(task_id) + 1 >= attempts:
        return records.tasks.end(task_id, attempt, "failed", LOST)
    return records.tasks.reattempt(task_id, attempt) is not None


async def _reap(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """Runs whose hearts are still. Looked at twice: after an absence of the database all hearts seem still.

    Not while Prefect is away: a new attempt would wait for it too, and the dead run would stay Running in it for ever.
    """
    suspected = await asyncio.to_thread(records.tasks.lost, settings.lease_seconds)
    if not suspected:
        return
    await asyncio.sleep(3 * BEAT_SECONDS)
    await runs.require_prefect()
    for lost in await asyncio.to_thread(records.tasks.lost, settings.lease_seconds):
        settled = lost in suspected and await asyncio.to_thread(
            settle_lost, lost.task_id, lost.attempt, records, settings.attempts
        )
        if settled and lost.run_id:
            await runs.crash(lost.run_id)


async def _reconcile(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """The records follow Prefect where a run has come to a state of which we have not heard."""
    after = ""
    while page := await asyncio.to_thread(records.tasks.unfinished, PAGE, after):
        after = page[-1].task_id
        states = await runs.states([entry.run_id for entry in page])
        for entry in page:
            await _follow_state(entry, states.get(entry.run_id), records, settings)


async def _follow_state(entry: Running, state: State[object] | None, records: Records, settings: Settings) -> None:
    if state is not None and state.type in (StateType.CANCELLING, StateType.CANCELLED):
        await asyncio.to_thread(follow_cancel, entry.task_id, entry.attempt, records, final=state.is_final())
    elif state is None or state.is_final() or (not entry.begun and _is_stuck(state, settings.lease_seconds)):
        await asyncio.to_thread(settle_lost, entry.task_id, entry.attempt, records, settings.attempts)


def follow_cancel(task_id: TaskId, attempt: int, records: Records, *, final: bool) -> None:
    """A cancel that came by Prefect: ours to pass on, or to note where it is done."""
    task = records.tasks.read(task_id)
    if task.attempt != attempt or task.status != "processing":
        return
    if final:
        records.tasks.end(task_id, attempt, "cancelled")
    elif task.state != "cancelling":
        records.tasks.cancel(task.project_id, task_id)


def _is_stuck(state: State[object], seconds: float) -> bool:
    """Claimed, or said to run, and yet nobody has begun: its worker died in between."""
    claimed = state.type in (StateType.PENDING, StateType.RUNNING)
    return claimed and (datetime.now(UTC) - state.timestamp).total_seconds() > seconds
