"""Ends runs that are active in Prefect although their task, batch or chunk has ended, or has another run.

A worker leaves such a run if it dies after the task is completed and before Prefect knows; so does a task that got a
new run while Prefect was unavailable. Each would count for ever against the limits of its pool, queue and deployment: a
queue with a limit of one would never be served again.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from prefect.states import Completed, Crashed

from penstock.orchestration.flow_runs import ActiveRun, FlowRuns
from penstock.orchestration.run_states import recorded_state
from penstock.records import Records


@dataclass
class RunsWithoutTask:
    """Ends runs that belonged to no unfinished task for `seconds`, in every check: a live run may be about to report
    its end, or to take its task."""

    records: Records
    runs: FlowRuns
    seconds: float
    clock: Callable[[], float] = time.monotonic
    unowned_at: dict[str, float] = field(default_factory=dict)

    async def end(self) -> None:
        """Check once. Raises `PrefectUnavailable`, `DatabaseUnavailable`; then the times of all runs start anew."""
        before, self.unowned_at = self.unowned_at, {}
        active = await self.runs.active()
        wanted = await asyncio.to_thread(self._current, [run.run_id for run in active])
        now = self.clock()
        unowned = {run.run_id: before.get(run.run_id, now) for run in active if run.run_id not in wanted}
        for run in active:
            if run.run_id in unowned and now - unowned[run.run_id] > self.seconds:
                await self._end(run)
        self.unowned_at = unowned

    async def _end(self, run: ActiveRun) -> None:
        """With the end of its task, or as crashed where the task has another run. A run of `convert-request` without a
        task is left alone: it may still make one."""
        state = await asyncio.to_thread(recorded_state, UUID(run.run_id), self.records)
        if state is None and run.has_task and not await asyncio.to_thread(self.records.tasks.find_by_run, run.run_id):
            state = Crashed(message="Another run has taken its task over.")
        if state is None and await asyncio.to_thread(self.records.unfinished_runs.has_ended, run.run_id):
            state = Completed(message="Recorded late: its batch, chunk or import has ended.")
        if state is not None:
            await self.runs.end(run.run_id, state)

    def _current(self, run_ids: list[str]) -> set[str]:
        """The runs of unfinished tasks, batches and chunks."""
        return self.records.tasks.current_run_ids(run_ids) | self.records.unfinished_runs.current_run_ids()
