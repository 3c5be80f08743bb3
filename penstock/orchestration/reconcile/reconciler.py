"""Brings the records and Prefect back into agreement: runs whose worker died, and states whose event was missed."""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import datetime

from prefect.client.schemas.objects import State, StateType

from penstock.domain import errors
from penstock.domain.attempts import SLOT_REQUESTED, SubmittedAttempt
from penstock.domain.ids import TaskId
from penstock.domain.task import TaskError
from penstock.orchestration.flow_runs import FlowRuns, PrefectUnavailable
from penstock.orchestration.reconcile.future_runs import starts_too_late
from penstock.orchestration.reconcile.leaked_slots import LeakedSlots
from penstock.orchestration.reconcile.lost_runs import LostRuns
from penstock.orchestration.reconcile.runs_without_task import RunsWithoutTask
from penstock.orchestration.run.heartbeat import BEAT_SECONDS
from penstock.records import Records
from penstock.settings import Settings

log = logging.getLogger(__name__)

CHECKS_PER_LEASE = 4
PAGE = 200
CLAIMED_STATES = (StateType.PENDING, StateType.RUNNING)

LOST = TaskError(
    errors.WorkerLost.code,
    "The workers that ran this task were lost repeatedly. Ask for it again, or read the workers' logs.",
    retryable=True,
)
QUARANTINED = TaskError(
    errors.InputQuarantined.code,
    "Each worker that read or converted this input was lost. It is not tried again until an operator releases it.",
)
# In these a decoder reads the input.
READING: frozenset[str | None] = frozenset(("fetching", "transcoding"))


async def reconcile_runs(records: Records, runs: FlowRuns, settings: Settings) -> None:
    """Reconcile for ever."""
    reconciler = Reconciler(records, runs, settings.attempts, settings.lease_seconds)
    while True:
        await reconciler.check()
        await asyncio.sleep(settings.lease_seconds / CHECKS_PER_LEASE)


class Reconciler:
    """Remembers from one check to the next since when runs are claimed, and which are dead.

    Ages are measured by its own monotonic clock, or by the database: clocks of two hosts are never compared. A
    run that would start days later, by the clock of Prefect's server, is started at once."""

    def __init__(self, records: Records, runs: FlowRuns, attempts: int, lease_seconds: float) -> None:
        self.records = records
        self.runs = runs
        self.attempts = attempts
        self.lease_seconds = lease_seconds
        self.claimed_at: dict[str, float] = {}
        self.dead: set[str] = set()
        self.without_task = RunsWithoutTask(records, runs, lease_seconds)
        self.lost_runs = LostRuns(records, runs, attempts, lease_seconds)
        self.leaked = LeakedSlots(records, runs, lease_seconds / CHECKS_PER_LEASE)

    async def check(self) -> None:
        """Every part once; an error of one part does not keep the others from running."""
        others = (self.lost_runs.replace_silent, self.lost_runs.follow_states, self.lost_runs.crash_dead)
        tasks = (self.replace_silent, self.follow_states, self.crash_dead)
        parts = (*tasks, *others, self.without_task.end, self.leaked.free)
        for part in parts:
            try:
                await part()
            except (errors.DatabaseUnavailable, PrefectUnavailable) as unavailable:
                log.info("%s is retried later: %s", part.__qualname__, unavailable)

    async def replace_silent(self) -> None:
        """Replace runs without a heartbeat. They are read twice: after an outage of the database all runs seem silent.

        Not while Prefect is unavailable: a new attempt would wait for it too, and the dead run would stay Running
        there.
        """
        suspected = await asyncio.to_thread(self.records.tasks.lost_attempts, self.lease_seconds)
        if not suspected:
            return
        await asyncio.sleep(3 * BEAT_SECONDS)
        await self.runs.require_prefect()
        for lost in await asyncio.to_thread(self.records.tasks.lost_attempts, self.lease_seconds):
            if lost in suspected and await self._replace(lost.task_id, lost.attempt) and lost.run_id:
                self.dead.add(lost.run_id)

    async def crash_dead(self) -> None:
        """Set Crashed on dead runs: while Prefect counts one as claimed or running it takes a place of its queue's
        limits. What fails here is repeated by the next check."""
        for run_id in tuple(self.dead):
            await self.runs.crash(run_id)
            self.dead.discard(run_id)

    async def follow_states(self) -> None:
        """Record the states of runs whose event was missed."""
        after = ""
        claimed_at: dict[str, float] = {}
        while page := await asyncio.to_thread(self.records.tasks.submitted_attempts, PAGE, after):
            after = page[-1].task_id
            states = await self.runs.states([entry.run_id for entry in page])
            now = await self.runs.server_time()
            for entry in page:
                state = states.get(entry.run_id)
                if not entry.begun and state is not None and state.type in CLAIMED_STATES:
                    claimed_at[entry.run_id] = self.claimed_at.get(entry.run_id, time.monotonic())
                await self._follow_state(entry, state, claimed_at.get(entry.run_id), now)
        self.claimed_at = claimed_at

    async def _follow_state(
        self, entry: SubmittedAttempt, state: State[object] | None, claimed_at: float | None, now: datetime
    ) -> None:
        if state is not None and state.type in (StateType.CANCELLING, StateType.CANCELLED):
            final = state.is_final()
            await asyncio.to_thread(record_cancel, entry.task_id, entry.attempt, self.records, final=final)
        elif state is None or state.is_final():
            await self._replace(entry.task_id, entry.attempt)
        elif not entry.begun and starts_too_late(state, now):
            await self.runs.start_at(entry.run_id, now)
        elif self._is_stuck(claimed_at) and await self._replace(entry.task_id, entry.attempt):
            self.dead.add(entry.run_id)

    def _is_stuck(self, claimed_at: float | None) -> bool:
        """Whether a run is claimed for longer than a lease and has not begun: its worker died in between."""
        return claimed_at is not None and time.monotonic() - claimed_at > self.lease_seconds

    async def _replace(self, task_id: TaskId, attempt: int) -> bool:
        return await replace_lost_run(task_id, attempt, self.records, self.runs, self.attempts)


async def replace_lost_run(task_id: TaskId, attempt: int, records: Records, runs: FlowRuns, attempts: int) -> bool:
    """Give a task whose run was lost another attempt, or end it where that happened too often. False: the attempt is
    not the present one, or has ended.

    Frees the encoder slot of the lost run; while Prefect is unavailable the slot is free when its lease expires."""
    held = [slot for slot in await asyncio.to_thread(records.tasks.held_slots) if slot.task_id == task_id]
    if not await asyncio.to_thread(_record_loss, task_id, attempt, records, attempts):
        return False
    for slot in held:
        if slot.attempt == attempt and slot.slot != SLOT_REQUESTED:
            with suppress(PrefectUnavailable):
                await runs.free_lease(slot.slot)
    return True


def _record_loss(task_id: TaskId, attempt: int, records: Records, attempts: int) -> bool:
    task = records.tasks.get_by_id(task_id)
    if task.attempt != attempt or task.status != "processing":
        return False
    log.warning("%s: the run of attempt %d was lost", task_id, attempt)
    records.metrics.add({("attempts_lost", ""): 1})
    if task.state == "cancelling":
        return records.tasks.end(task_id, attempt, "cancelled")
    losses = records.tasks.losses(task_id)
    if losses.count >= attempts:
        is_input = losses.count > 1 and losses.state in READING
        return records.tasks.end(task_id, attempt, "failed", QUARANTINED if is_input else LOST)
    return records.tasks.retry_lost(task_id, attempt) is not None


def record_cancel(task_id: TaskId, attempt: int, records: Records, *, final: bool) -> None:
    """A cancel that came from Prefect: stop the run, or where its state is final, end the task."""
    task = records.tasks.get_by_id(task_id)
    if task.attempt != attempt or task.status != "processing":
        return
    if final:
        records.tasks.end(task_id, attempt, "cancelled")
    elif task.state != "cancelling":
        records.tasks.cancel(task.project_id, task_id)
