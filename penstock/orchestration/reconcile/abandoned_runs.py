"""Runs that Prefect believes to go on, and whose task has ended or has gone on without them.

A worker that dies after its task is completed and before Prefect hears of it leaves such a run, and so does one whose
task went to another run while Prefect was away. Each counts against the limits of its pool, queue and deployment for
ever, and a queue with a limit of one is never served again.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from prefect.states import Crashed

from penstock.orchestration.flow_runs import ActiveRun, FlowRuns
from penstock.orchestration.late_states import recorded_end
from penstock.records import Records


@dataclass
class AbandonedRuns:
    """Ends runs that no unfinished task has had for `seconds`, at every look: a live one may be about to say its end,
    or to take its task."""

    records: Records
    runs: FlowRuns
    seconds: float
    clock: Callable[[], float] = time.monotonic
    left: dict[str, float] = field(default_factory=dict)

    async def end(self) -> None:
        """Look once more. Raises `PrefectUnavailable`, `DatabaseUnavailable`: then all are watched anew."""
        before, self.left = self.left, {}
        found = await self.runs.open()
        wanted = await asyncio.to_thread(self.records.tasks.current_run_ids, [run.run_id for run in found])
        now = self.clock()
        left = {run.run_id: before.get(run.run_id, now) for run in found if run.run_id not in wanted}
        for run in found:
            if run.run_id in left and now - left[run.run_id] > self.seconds:
                await self._end(run)
        self.left = left

    async def _end(self, run: ActiveRun) -> None:
        """As its task ended; a run of a task that has another one now was lost. One that brings its own request may
        still have to make a task of it."""
        state = await asyncio.to_thread(recorded_end, UUID(run.run_id), self.records)
        if state is None and run.has_task and not await asyncio.to_thread(self.records.tasks.find_by_run, run.run_id):
            state = Crashed(message="Its task went on without it.")
        if state is not None:
            await self.runs.end(run.run_id, state)
