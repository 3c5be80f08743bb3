"""Our worker: a Prefect worker that runs flows in this process, on threads, so that a run costs no start-up.

Everything that decodes or encodes is a child process of the nursery; nothing a file does can hurt this one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from anyio.abc import TaskStatus
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.flow_engine import run_flow
from prefect.states import Cancelled
from prefect.utilities.importtools import import_object
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from penstock.orchestration.claiming import claim_and_execute, due_runs
from penstock.orchestration.lanes import Lane
from penstock.orchestration.threads import run_threads

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.25


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """Runs as many flow runs of its lane at once as the lane has places."""

    type = "penstock"
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs media conversions in one warm process; decoders and encoders are its children."

    def __init__(self, pool: str, name: str, lane: Lane) -> None:
        super().__init__(pool, name=name, limit=lane.slots)
        self.pool = pool
        self.lane = lane
        self.queues: list[str] = []
        self.flows: dict[UUID, Flow[..., Any]] = {}
        self.threads = run_threads(lane.slots)
        self.news = asyncio.Event()
        self.polling = asyncio.Lock()
        self.draining = False

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 - Prefect's signature; there is no infrastructure to set up
        task_status: TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Prefect's way to hand a worker one run; what a poll finds goes the shorter way."""
        if task_status is not None:
            task_status.started(1)
        await self.execute(flow_run)
        return BaseWorkerResult(identifier=str(flow_run.id), status_code=0)

    async def execute(self, flow_run: FlowRun) -> None:
        """Run one flow run to its end, on a thread of ours."""
        flow = await self._flow_of(flow_run)
        # Without its deployment the engine opens no websocket of its own, where it would listen for "suspend".
        alone = flow_run.model_copy(update={"deployment_id": None})
        work: Callable[[], Any] = partial(run_flow, flow, flow_run=alone, return_type="state")
        state = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        await self._settle_cancelled(flow_run, state)

    async def sync_with_backend(self) -> None:
        """Prefect's beat of every few seconds; a queue that a person adds is served from the next one on."""
        await super().sync_with_backend()
        queues = await self.client.read_work_queues(work_pool_name=self.pool)
        self.queues = [queue.name for queue in queues if self.lane.serves(queue.name)]

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """One poll at a time: two at once would overshoot the limits of pool and queue."""
        async with self.polling:
            idle = self.draining or not self.limiter.available_tokens or not self.queues
            return [] if idle else await super().get_and_submit_flow_runs()

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and wait so long for what runs."""
        self.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.limiter.borrowed_tokens:
                    await asyncio.sleep(0.1)

    async def poll_at_news(self) -> None:
        """However much news there is while one poll runs, one more poll answers it all."""
        while True:
            await self.news.wait()
            self.news.clear()
            try:
                await self.get_and_submit_flow_runs()
            except httpx.HTTPError as away:
                log.info("no look for more work: %s", type(away).__name__)

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        return await due_runs(self.client, self.pool, self.queues, int(self.limiter.available_tokens))

    async def _submit_run(self, flow_run: FlowRun) -> None:
        crowded = not self.limiter.available_tokens
        try:
            await claim_and_execute(self, flow_run, self.execute)
        finally:
            self._look_again(0 if crowded else LOOK_AGAIN_SECONDS)

    def _look_again(self, seconds: float) -> None:
        """What waits for a place, ours or one of Prefect's limits, is not pushed to us when a run ends."""
        asyncio.get_running_loop().call_later(seconds, self.news.set)

    async def _settle_cancelled(self, flow_run: FlowRun, state: State[Any] | None) -> None:
        """A run that was cancelled between claim and start ends without its flow: nobody else says that it is over."""
        if state is None or not state.is_final():
            held = await self.client.read_flow_run(flow_run.id)
            if held.state is not None and held.state.is_cancelling():
                await self.client.set_flow_run_state(flow_run.id, Cancelled(), force=True)

    async def _flow_of(self, flow_run: FlowRun) -> Flow[..., Any]:
        """The flow that the run's deployment names, imported once: new code needs a new worker in any case."""
        if flow_run.deployment_id is None:
            raise LookupError("This run belongs to no deployment.")
        if flow_run.deployment_id not in self.flows:
            deployment = await self.client.read_deployment(flow_run.deployment_id)
            self.flows[flow_run.deployment_id] = import_object(deployment.entrypoint or "")
        return self.flows[flow_run.deployment_id]
