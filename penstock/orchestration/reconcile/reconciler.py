"""What nobody finished: runs whose worker died, and runs whose end we were not told of."""

import asyncio
import logging
import time
from contextlib import suppress

from prefect.client.schemas.objects import State, StateType

from penstock.domain import errors
from penstock.domain.attempts import SLOT_REQUESTED, SubmittedAttempt
from penstock.domain.ids import TaskId
from penstock.domain.task import TaskError
from penstock.orchestration.flow_runs import FlowRuns, PrefectUnavailable
from penstock.orchestration.reconcile.abandoned_runs import AbandonedRuns
from penstock.orchestration.reconcile.leaked_slots import LeakedSlots
from penstock.orchestration.run.heartbeat import BEAT_SECONDS
from penstock.records import Records
from penstock.settings import Settings

log = logging.getLogger(__name__)

SWEEPS_PER_LEASE = 4
PAGE = 200

LOST = TaskError(
    errors.WorkerLost.code,
    "The workers that ran this task were lost, again and again. Ask for it once more, or look at the workers' logs.",
    retryable=True,
)


async def reconcile_runs(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """Sweep for ever."""
    sweep = Reconciler(records, runs, settings.attempts, settings.lease_seconds)
    while True:
        await sweep.once()
        await asyncio.sleep(settings.lease_seconds / SWEEPS_PER_LEASE)


class Reconciler:
    """What one sweeper remembers from one sweep to the next. Ages are measured by its own monotonic clock, or by the
    database: no two hosts' clocks are compared."""

    def __init__(self, records: Records, runs: FlowRuns, attempts: int, lease_seconds: float) -> None:
        self.records = records
        self.runs = runs
        self.attempts = attempts
        self.lease_seconds = lease_seconds
        self.claimed: dict[str, float] = {}
        self.dead: set[str] = set()
        self.open = AbandonedRuns(records, runs, lease_seconds)
        self.leaked = LeakedSlots(records, runs, lease_seconds / SWEEPS_PER_LEASE)

    async def once(self) -> None:
        """Each part by itself: what keeps one from its work does not keep the others."""
        for part in (self.reap, self.reconcile, self.tell, self.open.end, self.leaked.free):
            try:
                await part()
            except (errors.DatabaseUnavailable, PrefectUnavailable) as away:
                log.info("a sweep is put off: %s", away)

    async def reap(self) -> None:
        """Runs that are silent. Looked at twice: after an absence of the database all runs seem silent.

        Not while Prefect is away: a new attempt would wait for it too, and the dead run would stay Running in it.
        """
        suspected = await asyncio.to_thread(self.records.tasks.lost_attempts, self.lease_seconds)
        if not suspected:
            return
        await asyncio.sleep(3 * BEAT_SECONDS)
        await self.runs.require_prefect()
        for lost in await asyncio.to_thread(self.records.tasks.lost_attempts, self.lease_seconds):
            if lost in suspected and await self._settle(lost.task_id, lost.attempt) and lost.run_id:
                self.dead.add(lost.run_id)

    async def tell(self) -> None:
        """Tell Prefect which runs are dead: one that it believes to be claimed or running takes a place of the limits
        of its queue for ever. What it does not hear now, it hears at the next sweep."""
        for run_id in tuple(self.dead):
            await self.runs.crash(run_id)
            self.dead.discard(run_id)

    async def reconcile(self) -> None:
        """The records follow Prefect where a run has come to a state of which we have not heard."""
        after = ""
        claimed: dict[str, float] = {}
        while page := await asyncio.to_thread(self.records.tasks.submitted_attempts, PAGE, after):
            after = page[-1].task_id
            states = await self.runs.states([entry.run_id for entry in page])
            for entry in page:
                state = states.get(entry.run_id)
                if not entry.begun and _is_claimed(state):
                    claimed[entry.run_id] = self.claimed.get(entry.run_id, time.monotonic())
                await self._follow_state(entry, state, claimed.get(entry.run_id))
        self.claimed = claimed

    async def _follow_state(self, entry: SubmittedAttempt, state: State[object] | None, claimed: float | None) -> None:
        if state is not None and state.type in (StateType.CANCELLING, StateType.CANCELLED):
            final = state.is_final()
            await asyncio.to_thread(record_cancel, entry.task_id, entry.attempt, self.records, final=final)
        elif state is None or state.is_final():
            await self._settle(entry.task_id, entry.attempt)
        elif self._is_stuck(claimed) and await self._settle(entry.task_id, entry.attempt):
            self.dead.add(entry.run_id)

    def _is_stuck(self, claimed: float | None) -> bool:
        """Claimed for so long, and yet nobody has begun: its worker died in between."""
        return claimed is not None and time.monotonic() - claimed > self.lease_seconds

    async def _settle(self, task_id: TaskId, attempt: int) -> bool:
        return await replace_lost_run(task_id, attempt, self.records, self.runs, self.attempts)


async def replace_lost_run(task_id: TaskId, attempt: int, records: Records, runs: FlowRuns, attempts: int) -> bool:
    """Another attempt for a task whose run died, or its end where that happened too often. False: it has gone on.

    The encoder slot of the dead run is free at once; where Prefect is away, as soon as its lease has run out."""
    held = [slot for slot in await asyncio.to_thread(records.tasks.held_slots) if slot.task_id == task_id]
    if not await asyncio.to_thread(_replace, task_id, attempt, records, attempts):
        return False
    for slot in held:
        if slot.attempt == attempt and slot.slot != SLOT_REQUESTED:
            with suppress(PrefectUnavailable):
                await runs.free_lease(slot.slot)
    return True


def _replace(task_id: TaskId, attempt: int, records: Records, attempts: int) -> bool:
    task = records.tasks.get_by_id(task_id)
    if task.attempt != attempt or task.status != "processing":
        return False
    log.warning("%s: attempt %d was lost", task_id, attempt)
    if task.state == "cancelling":
        return records.tasks.end(task_id, attempt, "cancelled")
    if records.tasks.count_losses(task_id) + 1 >= attempts:
        return records.tasks.end(task_id, attempt, "failed", LOST)
    return records.tasks.retry_lost(task_id, attempt) is not None


def _is_claimed(state: State[object] | None) -> bool:
    """Whether a worker has taken the run, or says that it runs it."""
    return state is not None and state.type in (StateType.PENDING, StateType.RUNNING)


def record_cancel(task_id: TaskId, attempt: int, records: Records, *, final: bool) -> None:
    """A cancel that came by Prefect: ours to pass on, or to note where it is done."""
    task = records.tasks.get_by_id(task_id)
    if task.attempt != attempt or task.status != "processing":
        return
    if final:
        records.tasks.end(task_id, attempt, "cancelled")
    elif task.state != "cancelling":
        records.tasks.cancel(task.project_id, task_id)
