"""The one place that leans on private parts of Prefect's worker: a run is claimed by one call instead of seven.

The stock worker reads the deployment twice, renders a job template, writes labels, a second state (`Submitting`) and a
process id: all for infrastructure that a run inside this process does not have. What stays is the call that decides who
runs it: `Pending` is proposed, and the server grants it once. `WarmWorker` overrides two private methods, which Prefect
calls at each poll: `_get_scheduled_flow_runs` asks for no more runs than there are places (the stock one is sent 200 at
every poll), and `_submit_run` comes here. `tests/orchestration/test_claiming.py` fails where a new Prefect changes it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.types._datetime import now
from prefect.workers.base import BaseWorker

Execute = Callable[[FlowRun], Awaitable[None]]
Worker = BaseWorker[Any, Any, Any]


async def due_runs(client: PrefectClient, pool: str, queues: list[str], at_most: int) -> list[WorkerFlowRunResponse]:
    """The runs of these queues that should have begun, as far as the limits of pool and queues let them."""
    wanted = {"work_queue_names": queues, "scheduled_before": now("UTC").isoformat(), "limit": at_most}
    found = await client.request(
        "POST", "/work_pools/{name}/get_scheduled_flow_runs", path_params={"name": pool}, json=wanted
    )
    return WorkerFlowRunResponse.model_validate_list(found.json())


async def claim_and_execute(worker: Worker, flow_run: FlowRun, execute: Execute) -> None:
    """Run it here if the server grants it to this worker. What `execute` raises becomes the run's crash."""
    try:
        if await worker._propose_pending_state(flow_run):
            await _execute_or_crash(worker, flow_run, execute)
    finally:
        _put_down(worker, flow_run)


async def _execute_or_crash(worker: Worker, flow_run: FlowRun, execute: Execute) -> None:
    try:
        await execute(flow_run)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must end
        worker.get_flow_run_logger(flow_run).exception("The worker could not run this.")
        await worker._propose_crashed_state(flow_run, f"The worker could not run this: {type(error).__name__}.")


def _put_down(worker: Worker, flow_run: FlowRun) -> None:
    """The poll took a place of the limit for it, and takes it up no second time while it is among the submitted."""
    worker._release_limit_slot(flow_run.id)
    worker._submitting_flow_run_ids.discard(flow_run.id)
    if worker._cancelling_observer is not None:
        worker._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)
