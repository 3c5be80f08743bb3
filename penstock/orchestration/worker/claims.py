"""Claims runs with one HTTP call instead of seven. Only this module calls private parts of Prefect's worker.

The stock worker reads the deployment twice, renders a job template, and writes labels, a second state (`Submitting`)
and a process id, all for infrastructure that a run in this process does not have. What remains is the call that decides
who runs it: `Pending` is proposed, and the server grants it once. `WarmWorker` overrides two private methods that
Prefect calls at each poll: `_get_scheduled_flow_runs` requests no more runs than there are places (the stock one
receives 200 at every poll), and `_submit_run` claims here. `tests/orchestration/worker/test_claims.py` fails where a
new Prefect changes them.
"""

from typing import Any

import httpx
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.workers.base import BaseWorker

from penstock.orchestration.server_clock import ServerClock

Worker = BaseWorker[Any, Any, Any]


async def due_runs(
    worker: Worker, pool: str, queues: list[str], limit: int, clock: ServerClock
) -> list[WorkerFlowRunResponse]:
    """Runs of these queues that are due by the server's clock, within the limits of pool and queues; none that is
    submitted already."""
    wanted = {"work_queue_names": queues, "limit": limit}
    response = await _scheduled_runs(worker, pool, wanted | {"scheduled_before": clock.now().isoformat()})
    if clock.adjust(response.headers):
        response = await _scheduled_runs(worker, pool, wanted | {"scheduled_before": clock.now().isoformat()})
    runs = WorkerFlowRunResponse.model_validate_list(response.json())
    return [run for run in runs if run.flow_run.id not in worker._submitting_flow_run_ids]


async def _scheduled_runs(worker: Worker, pool: str, wanted: dict[str, Any]) -> httpx.Response:
    return await worker.client.request(
        "POST", "/work_pools/{name}/get_scheduled_flow_runs", path_params={"name": pool}, json=wanted
    )


async def claim(worker: Worker, flow_run: FlowRun) -> bool:
    """Whether the server grants the run to this worker."""
    return await worker._propose_pending_state(flow_run)


def release(worker: Worker, flow_run: FlowRun) -> None:
    """Free the place that the poll took for a run. A run that is listed as submitted would not be polled again."""
    worker._release_limit_slot(flow_run.id)
    worker._submitting_flow_run_ids.discard(flow_run.id)
    if worker._cancelling_observer is not None:
        worker._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)
