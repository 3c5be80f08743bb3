"""Our worker: a Prefect worker that runs flows on threads of this process, so that a run costs no start-up.

Everything that decodes or encodes runs in child processes of the sandbox: a file that crashes a decoder, or makes it
exhaust its memory, ends that child; one that takes its decoder over is in a jail (`penstock/sandbox/jail.py`).
"""

import asyncio
import contextlib
import logging
import math
import re
import time
from collections.abc import Callable, Iterator
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
from penstock.orchestration.run.lent_place import Lend, lending
from penstock.orchestration.run_states import recorded_state
from penstock.orchestration.server_clock import ServerClock
from penstock.orchestration.worker.claims import claim, due_runs, release
from penstock.orchestration.worker.run_pool import QueuePlaces, run_threads
from penstock.records import Records

log = logging.getLogger(__name__)

POLL_AGAIN_SECONDS = 0.25
# Prefect reschedules a run that a deployment's limit refused by a second: `prefect_server.SERVER_DEFAULTS`.
REFUSED_SECONDS = 1.25
RETRY_SECONDS = 2.0
# A poll takes a tenth of this: workers with an idle encoder take runs before those whose runs wait for one.
WAITING_YIELDS_SECONDS = 0.3
OWN_FLOW = re.compile(r"penstock\.flows\.[a-z_]+\.[a-z_]+")


def always() -> bool:
    """Take every run for which there is a place."""
    return True


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, BaseWorkerResult]):
    """Runs as many flow runs of its queues at once as it has places."""

    type = "penstock"
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs media conversions in one warm process; decoders and encoders are its child processes."

    def __init__(
        self, pool: str, name: str, places: QueuePlaces, records: Records, admits: Callable[[], bool] = always
    ) -> None:
        """`admits`: whether new runs may be taken now."""
        super().__init__(pool, name=name, limit=places.count)
        self.admits = admits
        self.pool = pool
        self.places = places
        self.records = records
        self.queues: list[str] = []
        self.flows: dict[UUID, Flow[..., Any]] = {}
        self.threads = run_threads(places.count + places.lent)
        self.wake = asyncio.Event()
        self.polling = asyncio.Lock()
        self.claims: dict[UUID, asyncio.Event] = {}
        self.polled_at = -math.inf
        self.clock = ServerClock()
        self.is_draining = False
        self.is_full = False
        self.has_queue_limits = False
        self.waiting = 0

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 - Prefect's signature; there is no infrastructure to set up
        task_status: TaskStatus[int] | None = None,
    ) -> BaseWorkerResult:
        """Prefect's entry for one run. Runs that a poll finds are executed without it."""
        if task_status is not None:
            task_status.started(1)
        await self.execute(flow_run)
        return BaseWorkerResult(identifier=str(flow_run.id), status_code=0)

    async def execute(self, flow_run: FlowRun) -> None:
        """Run one flow run to its end on a thread, and make sure that its state in Prefect is final."""
        try:
            state = await self._run(flow_run)
        except Exception as error:  # noqa: BLE001 - no error of one run may end the worker
            self.get_flow_run_logger(flow_run).exception("The worker could not run this.")
            await self._finalize(flow_run, Crashed(message=f"The worker could not run this: {type(error).__name__}."))
        else:
            if state is None or not state.is_final():
                await self._finalize(flow_run, Crashed(message="The run ended without a final state."))

    async def sync_with_backend(self) -> None:
        """Prefect calls this every few seconds; it also finds queues that were added and limits that were set."""
        await super().sync_with_backend()
        queues = await self.client.read_work_queues(work_pool_name=self.pool)
        served = [queue for queue in queues if self.places.serves(queue.name)]
        self.queues = [queue.name for queue in served]
        limits = (self.work_pool.concurrency_limit, *(queue.concurrency_limit for queue in served))
        self.has_queue_limits = any(limit is not None for limit in limits)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Prefect calls this every few seconds."""
        if time.monotonic() - self.polled_at < self.places.rests_seconds:
            return []
        return await self.poll()

    async def poll(self) -> list[FlowRun]:
        """One poll at a time, until its runs are claimed: two polls at once would exceed the limits of pool and
        queue."""
        async with self.polling:
            if self.limiter.borrowed_tokens:
                await asyncio.sleep(max(self.places.yields_seconds, WAITING_YIELDS_SECONDS if self.waiting else 0))
            self.is_full = self.limiter.available_tokens <= 0
            if self.is_draining or self.is_full or not self.queues or not self.admits():
                return []
            self.polled_at = time.monotonic()  # not of a worker that was woken before it knew its queues: it would rest
            found = await super().get_and_submit_flow_runs()
            await asyncio.gather(*(claimed.wait() for claimed in tuple(self.claims.values())))
            return found

    async def drain(self, seconds: float | None) -> None:
        """Take no new runs, and wait for those that are running, at most `seconds`; None: as long as it takes."""
        self.is_draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.limiter.borrowed_tokens:
                    await asyncio.sleep(0.1)

    async def poll_when_woken(self) -> None:
        """Poll for ever, whenever `wake` is set. One poll covers all wake-ups of the time that the last one took."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            try:
                if not await self.poll() and self.places.yields_seconds:
                    # Prefect leaves out the runs that another worker's poll reads at this moment.
                    await asyncio.sleep(self.places.yields_seconds / 2)
                    await self.poll()
            except httpx.HTTPError as error:
                log.info("a poll for runs failed: %s", type(error).__name__)

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        yields_seconds = self.places.yields_seconds
        free = 1 if yields_seconds else int(self.limiter.available_tokens)
        found = await due_runs(self, self.pool, self.queues, free, self.clock)
        if found and yields_seconds:
            self._wake_in(yields_seconds)
        self.is_full = len(found) == free
        # A run may have ended its wait during the request. Prefect skips runs for which there is no place.
        found = found[: max(0, int(self.limiter.available_tokens))]
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
            release(self, flow_run)
            self._poll_again(granted=granted)

    def _poll_again(self, *, granted: bool) -> None:
        """Prefect sends no event to runs that wait for a place, ours or one of its limits, when a run ends."""
        if not granted:
            self._wake_in(REFUSED_SECONDS)
        elif self.is_full:
            self._wake_in(0)
        elif self.has_queue_limits:
            self._wake_in(POLL_AGAIN_SECONDS)

    def _wake_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.wake.set)

    async def _run(self, flow_run: FlowRun) -> State[Any] | None:
        flow = await self._flow_of(flow_run)
        # For a run with a deployment the engine opens a websocket of its own, to listen for "suspend".
        without_deployment = flow_run.model_copy(update={"deployment_id": None})
        work: Callable[[], Any] = partial(run_flow, flow, flow_run=without_deployment, return_type="state")
        work = partial(_run_lending, work, partial(self._lent_place, asyncio.get_running_loop()))
        state: State[Any] | None = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        return state

    @contextlib.contextmanager
    def _lent_place(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """For a run's thread: while the block runs, another run may have the run's place."""
        self._tell_waiting(loop, 1)
        try:
            yield
        finally:
            self._tell_waiting(loop, -1)

    def _tell_waiting(self, loop: asyncio.AbstractEventLoop, change: int) -> None:
        with contextlib.suppress(RuntimeError):  # the worker has ended meanwhile
            loop.call_soon_threadsafe(self._count_waiting, change)

    def _count_waiting(self, change: int) -> None:
        """A run that ends its wait needs no free place: until another run ends, there is one more than places."""
        self.waiting += change
        self.limiter.total_tokens = self.places.count + min(self.waiting, self.places.lent)
        if self.is_full and change > 0:
            self.wake.set()

    async def _finalize(self, flow_run: FlowRun, crashed: State[Any]) -> None:
        """End a run whose state is not final: it was cancelled before it began, or ended while Prefect was
        unavailable."""
        while not await self._try_to_finalize(flow_run.id, crashed):
            await asyncio.sleep(RETRY_SECONDS)

    async def _try_to_finalize(self, run_id: UUID, crashed: State[Any]) -> bool:
        try:
            state = (await self.client.read_flow_run(run_id)).state
            if state is not None and (state.is_cancelling() or state.is_running() or state.is_pending()):
                recorded = await asyncio.to_thread(recorded_state, run_id, self.records)
                unrecorded = Cancelled() if state.is_cancelling() else crashed
                await self.client.set_flow_run_state(run_id, recorded or unrecorded, force=True)
        except ObjectNotFound:
            log.info("run %s was deleted", run_id)
        except (httpx.HTTPError, DatabaseUnavailable) as error:
            log.info("the end of run %s is not reported yet: %s", run_id, type(error).__name__)
            return False
        return True

    async def _flow_of(self, flow_run: FlowRun) -> Flow[..., Any]:
        """The flow of the run's deployment, imported once: new code needs a new worker process."""
        if flow_run.deployment_id is None:
            raise LookupError("This run belongs to no deployment.")
        if flow_run.deployment_id not in self.flows:
            deployment = await self.client.read_deployment(flow_run.deployment_id)
            self.flows[flow_run.deployment_id] = own_flow(deployment.entrypoint or "")
        return self.flows[flow_run.deployment_id]


def _run_lending(work: Callable[[], Any], lend: Lend) -> Any:
    with lending(lend):
        return work()


def own_flow(entrypoint: str) -> Flow[..., Any]:
    """One of Penstock's flows. Raises `LookupError` for any other: write access to Prefect must not run code here."""
    if not OWN_FLOW.fullmatch(entrypoint):
        raise LookupError("This deployment runs a flow that is not Penstock's: use a `prefect worker` for it.")
    flow = import_object(entrypoint)
    if not isinstance(flow, Flow):
        raise LookupError("This deployment's entrypoint is not a flow.")
    return flow
