"""Our worker: a Prefect worker that runs flows in this process, on threads, so that a run costs no start-up.

Everything that decodes or encodes is a child process of the nursery; nothing a file does can hurt this one.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
from anyio.abc import TaskStatus
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.flow_engine import run_flow
from prefect.states import Cancelled
from prefect.utilities.importtools import import_object
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from penstock.live import LiveAttempts

POOL = "media"
WAKING = ("prefect.flow-run.Scheduled", "prefect.flow-run.AwaitingRetry")
RECONNECT_SECONDS = 1.0
GIVE_BACK_SECONDS = 10.0
UNLIMITED = 32


class Ran(BaseWorkerResult):
    """A run that ended; how, Prefect knows from the run itself."""


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, Ran]):
    """Runs up to `slots` flow runs of a work pool at once."""

    type = "penstock"
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs media conversions in one warm process; decoders and encoders are its children."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.threads = ThreadPoolExecutor(self._limit or UNLIMITED, thread_name_prefix="run")
        self.polling = asyncio.Lock()
        self.draining = False

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 - Prefect's signature; there is no infrastructure to set up
        task_status: TaskStatus[int] | None = None,
    ) -> Ran:
        """Run one flow run to its end, on a thread of ours."""
        flow = await self._flow_of(flow_run)
        if task_status is not None:
            task_status.started(1)
        work: Callable[[], Any] = partial(run_flow, flow, flow_run=flow_run, return_type="state")
        state = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        await self._settle_cancelled(flow_run, state)
        if self._runs_task_group is not None:
            self._runs_task_group.start_soon(self._look_again)
        return Ran(identifier=str(flow_run.id), status_code=0)

    async def _settle_cancelled(self, flow_run: FlowRun, state: State[Any] | None) -> None:
        """A run that was cancelled between claim and start ends without its flow: nobody else says that it is over."""
        if state is None or not state.is_final():
            held = await self.client.read_flow_run(flow_run.id)
            if held.state is not None and held.state.is_cancelling():
                await self.client.set_flow_run_state(flow_run.id, Cancelled(), force=True)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """One poll at a time: two at once would overshoot the limits of pool and queue."""
        async with self.polling:
            return [] if self.draining else await super().get_and_submit_flow_runs()

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and wait so long for what runs."""
        self.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.limiter.borrowed_tokens:
                    await asyncio.sleep(0.1)

    async def listen(self) -> None:
        """Poll as soon as Prefect schedules a run for our pool; the slow poll behind finds what we miss."""
        while True:
            try:
                await self._poll_at_each_event()
            except Exception as away:  # noqa: BLE001 - a websocket client has no root error
                self._logger.debug("events are away: %s", type(away).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _poll_at_each_event(self) -> None:
        pool = await self.client.read_work_pool(self._work_pool_name)
        wanted = EventFilter(
            event=EventNameFilter(name=list(WAKING)),
            any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{pool.id}"]),
        )
        async with get_events_subscriber(filter=wanted, reconnect_on_clean_close=True) as events:
            async for _ in events:
                await self.get_and_submit_flow_runs()

    async def _look_again(self) -> None:
        """A slot is free: what waited for it is not pushed to us. The poll behind makes good what fails here."""
        try:
            await self.get_and_submit_flow_runs()
        except httpx.HTTPError as away:
            self._logger.info("no look for more work: %s", type(away).__name__)

    async def _flow_of(self, flow_run: FlowRun) -> Flow[..., Any]:
        if flow_run.deployment_id is None:
            raise LookupError("This run belongs to no deployment.")
        deployment = await self.client.read_deployment(flow_run.deployment_id)
        flow: Flow[..., Any] = import_object(deployment.entrypoint or "")
        return flow


async def work(slots: int, drain_seconds: float, live: LiveAttempts) -> None:
    """Serve the pool until SIGTERM or SIGINT; then drain, and give back what is still running."""
    worker = WarmWorker(POOL, name=f"penstock {socket.gethostname()} {os.getpid()}", limit=slots)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = [asyncio.create_task(worker.start()), asyncio.create_task(_listen_when_ready(worker))]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    await worker.drain(drain_seconds)
    live.give_back()
    await worker.drain(GIVE_BACK_SECONDS)
    stopping.cancel()
    for task in serving:
        task.cancel()
    broken = [error for error in await asyncio.gather(*serving, return_exceptions=True) if isinstance(error, Exception)]
    if broken:
        raise broken[0]


async def _listen_when_ready(worker: WarmWorker) -> None:
    while not worker.is_setup:
        await asyncio.sleep(0.05)
    await worker.listen()
