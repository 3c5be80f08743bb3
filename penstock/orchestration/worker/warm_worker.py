"""Our worker: a Prefect worker that runs flows in this process, on threads, so that a run costs no start-up.

Everything that decodes or encodes is a child process of the nursery; nothing a file does can hurt this one.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from anyio.abc import TaskStatus
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.exceptions import ObjectNotFound
from prefect.flow_engine import run_flow
from prefect.states import Cancelled, Crashed
from prefect.utilities.importtools import import_object
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from penstock.domain.errors import DatabaseUnavailable
from penstock.orchestration.late_states import recorded_end
from penstock.orchestration.queues import QueuePlaces
from penstock.orchestration.worker.claims import claim, due_runs, put_down
from penstock.orchestration.worker.run_pool import run_threads
from penstock.services import current

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.25
# A deployment's limit gives a refused run another time, a second later: see `server.SERVER_HABITS`.
REFUSED_SECONDS = 1.25
AWAY_SECONDS = 2.0
OWN_FLOW = re.compile(r"penstock\.flows\.[a-z_]+\.[a-z_]+")


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """Runs as many flow runs of its lane at once as the lane has places."""

    type = "penstock"
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs media conversions in one warm process; decoders and encoders are its children."

    def __init__(self, pool: str, name: str, lane: QueuePlaces) -> None:
        super().__init__(pool, name=name, limit=lane.slots)
        self.pool = pool
        self.lane = lane
        self.queues: list[str] = []
        self.flows: dict[UUID, Flow[..., Any]] = {}
        self.threads = run_threads(lane.slots)
        self.news = asyncio.Event()
        self.polling = asyncio.Lock()
        self.claims: dict[UUID, asyncio.Event] = {}
        self.draining = False
        self.crowded = False
        self.rationed = False

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
        """Run one flow run to its end, on a thread of ours. Whatever happens, Prefect hears that it is over."""
        try:
            state = await self._run(flow_run)
        except Exception as error:  # noqa: BLE001 - no error of one run may end the worker
            self.get_flow_run_logger(flow_run).exception("The worker could not run this.")
            await self._settle(flow_run, Crashed(message=f"The worker could not run this: {type(error).__name__}."))
        else:
            if state is None or not state.is_final():
                await self._settle(flow_run, Crashed(message="It ended without a word."))

    async def sync_with_backend(self) -> None:
        """Prefect's beat of every few seconds; a queue that a person adds is served from the next one on."""
        await super().sync_with_backend()
        queues = await self.client.read_work_queues(work_pool_name=self.pool)
        served = [queue for queue in queues if self.lane.serves(queue.name)]
        self.queues = [queue.name for queue in served]
        limits = (self.work_pool.concurrency_limit, *(queue.concurrency_limit for queue in served))
        self.rationed = any(limit is not None for limit in limits)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """One poll at a time, its claims included: a poll beside them would overshoot the limits of pool and queue."""
        async with self.polling:
            self.crowded = not self.limiter.available_tokens
            if self.draining or self.crowded or not self.queues:
                return []
            found = await super().get_and_submit_flow_runs()
            await asyncio.gather(*(claimed.wait() for claimed in tuple(self.claims.values())))
            return found

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
        places = int(self.limiter.available_tokens)
        found = await due_runs(self, self.pool, self.queues, places)
        self.crowded = len(found) == places
        self.claims = {run.flow_run.id: asyncio.Event() for run in found}
        return found

    async def _submit_run(self, flow_run: FlowRun) -> None:
        granted = False
        try:
            granted = await claim(self, flow_run)
            self.claims[flow_run.id].set()
            if granted:
                await self.execute(flow_run)
        finally:
            put_down(self, flow_run)
            self._look_again(granted=granted)

    def _look_again(self, *, granted: bool) -> None:
        """What waits for a place, ours or one of Prefect's limits, is not pushed to us when a run ends."""
        if not granted:
            self._wake_in(REFUSED_SECONDS)
        elif self.crowded:
            self._wake_in(0)
        elif self.rationed:
            self._wake_in(LOOK_AGAIN_SECONDS)

    def _wake_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.news.set)

    async def _run(self, flow_run: FlowRun) -> State[Any] | None:
        flow = await self._flow_of(flow_run)
        # Without its deployment the engine opens no websocket of its own, where it would listen for "suspend".
        alone = flow_run.model_copy(update={"deployment_id": None})
        work: Callable[[], Any] = partial(run_flow, flow, flow_run=alone, return_type="state")
        state: State[Any] | None = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        return state

    async def _settle(self, flow_run: FlowRun, crashed: State[Any]) -> None:
        """End a run that its engine left open: cancelled before it began, or ended while Prefect was away."""
        while not await self._settled(flow_run.id, crashed):
            await asyncio.sleep(AWAY_SECONDS)

    async def _settled(self, run_id: UUID, crashed: State[Any]) -> bool:
        try:
            held = (await self.client.read_flow_run(run_id)).state
            if held is not None and (held.is_cancelling() or held.is_running() or held.is_pending()):
                known = await asyncio.to_thread(recorded_end, run_id, current().records)
                unknown = Cancelled() if held.is_cancelling() else crashed
                await self.client.set_flow_run_state(run_id, known or unknown, force=True)
        except ObjectNotFound:
            log.info("%s is deleted", run_id)
        except (httpx.HTTPError, DatabaseUnavailable) as away:
            log.info("no word yet that %s is over: %s", run_id, type(away).__name__)
            return False
        return True

    async def _flow_of(self, flow_run: FlowRun) -> Flow[..., Any]:
        """The flow that the run's deployment names, imported once: new code needs a new worker in any case."""
        if flow_run.deployment_id is None:
            raise LookupError("This run belongs to no deployment.")
        if flow_run.deployment_id not in self.flows:
            deployment = await self.client.read_deployment(flow_run.deployment_id)
            self.flows[flow_run.deployment_id] = _own_flow(deployment.entrypoint or "")
        return self.flows[flow_run.deployment_id]


def _own_flow(entrypoint: str) -> Flow[..., Any]:
    """One of our flows. Raises `LookupError` for any other: whoever writes to Prefect runs no code in this process."""
    if not OWN_FLOW.fullmatch(entrypoint):
        raise LookupError("This deployment runs a flow that is none of Penstock's: a `prefect worker` may run it.")
    flow = import_object(entrypoint)
    if not isinstance(flow, Flow):
        raise LookupError("This deployment's entrypoint is no flow.")
    return flow
