"""Runs of batches, chunks and imports whose end nobody reported: their workers died, or their events were missed."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from prefect.client.schemas.objects import State, StateType

from penstock.domain import errors
from penstock.domain.batch.batch import SubmittedRun
from penstock.domain.ids import BatchId, ChunkId, FileId
from penstock.domain.task import TaskError
from penstock.orchestration.flow_runs import FlowRuns, PrefectUnavailable
from penstock.orchestration.reconcile.future_runs import starts_too_late
from penstock.orchestration.run.heartbeat import BEAT_SECONDS
from penstock.records import Records

log = logging.getLogger(__name__)

PAGE = 200
CLAIMED_STATES = (StateType.PENDING, StateType.RUNNING)
LOST = TaskError(
    errors.WorkerLost.code,
    "The workers that ran this were lost repeatedly. Ask for it again, or read the workers' logs.",
    retryable=True,
)

CANCELLED = TaskError(errors.Cancelled.code, "The import was cancelled.")


@dataclass
class LostRuns:
    """Gives lost batches, chunks and imports other runs. Remembers since when runs are claimed (monotonic clock)."""

    records: Records
    runs: FlowRuns
    attempts: int
    lease_seconds: float
    clock: Callable[[], float] = time.monotonic
    claimed_at: dict[str, float] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    async def replace_silent(self) -> None:
        """Replace runs without heartbeats. They are read twice: after an outage of the database all seem silent."""
        suspected = await asyncio.to_thread(self.records.unfinished_runs.lost, self.lease_seconds)
        if not suspected:
            return
        await asyncio.sleep(3 * BEAT_SECONDS)
        await self.runs.require_prefect()
        known = {(run.id, run.attempt) for run in suspected}
        for run in await asyncio.to_thread(self.records.unfinished_runs.lost, self.lease_seconds):
            if (run.id, run.attempt) in known:
                await self.replace(run)

    async def crash_dead(self) -> None:
        """Set Crashed on dead runs: they take places of their queues' limits. What fails here is repeated."""
        for run_id in tuple(self.dead):
            await self.runs.crash(run_id)
            self.dead.discard(run_id)

    async def follow_states(self) -> None:
        """Record the states of runs whose event was missed."""
        submitted = await asyncio.to_thread(self.records.unfinished_runs.submitted)
        before, self.claimed_at = self.claimed_at, {}
        for start in range(0, len(submitted), PAGE):
            page = submitted[start : start + PAGE]
            states = await self.runs.states([run.run_id for run in page])
            now = await self.runs.server_time()
            for run in page:
                await self._follow(run, states.get(run.run_id), before, now)

    async def _follow(
        self, run: SubmittedRun, state: State[object] | None, before: dict[str, float], now: datetime
    ) -> None:
        if state is not None and state.type in (StateType.CANCELLING, StateType.CANCELLED):
            await asyncio.to_thread(self.cancel, run)
        elif state is None or state.is_final():
            await self.replace(run)
        elif not run.begun and starts_too_late(state, now):
            await self.runs.start_at(run.run_id, now)
        elif not run.begun and state.type in CLAIMED_STATES:
            self.claimed_at[run.run_id] = before.get(run.run_id, self.clock())
            if self.clock() - self.claimed_at[run.run_id] > self.lease_seconds:
                await self.replace(run)

    async def replace(self, run: SubmittedRun) -> None:
        """Another run in place of a lost one, or what follows the last one that was lost."""
        for slot in run.slots:
            with suppress(PrefectUnavailable):
                await self.runs.free_lease(slot)
        if await asyncio.to_thread(self._record_loss, run):
            log.warning("%s: the run of attempt %d was lost", run.id, run.attempt)
            self.dead.add(run.run_id)

    def _record_loss(self, run: SubmittedRun) -> bool:
        is_last = run.losses + 1 >= self.attempts
        if run.object == "chunk":  # a line that ends its worker must not do so for the others for ever
            chunks, chunk_id = self.records.chunks, ChunkId(run.id)
            return chunks.dissolve(chunk_id, run.attempt) if is_last else chunks.retry(chunk_id, run.attempt)
        if run.object == "import":
            imports, file_id = self.records.imports, FileId(run.id)
            if is_last:
                return imports.fail(file_id, run.attempt, LOST)
            return imports.retry(file_id, run.attempt, losses=1)
        batches, batch_id = self.records.batches, BatchId(run.id)
        if is_last:
            return batches.end(batch_id, run.attempt, "failed", LOST)
        return batches.retry(batch_id, run.attempt, losses=1)

    def cancel(self, run: SubmittedRun) -> None:
        """A cancel that came from Prefect."""
        if run.object == "chunk":
            self.records.unfinished_runs.cancel_chunk(run.id)
        elif run.object == "import":
            self.records.imports.fail(FileId(run.id), run.attempt, CANCELLED)
        else:
            with suppress(errors.TaskEnded):
                batch = self.records.batches.get_by_id(run.id)
                self.records.batches.cancel(batch.project_id, batch.id)
