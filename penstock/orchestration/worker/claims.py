"""The one place that leans on private parts of Prefect's worker: a run is claimed by one call instead of seven.

The stock worker reads the deployment twice, renders a job template, writes labels, a second state (`Submitting`) and a
process id: all for infrastructure that a run inside this process does not have. What stays is the call that decides who
runs it: `Pending` is proposed, and the server grants it once. `WarmWorker` overrides two private methods, which Prefect
calls at each poll: `_get_scheduled_flow_runs` asks for no more runs than there are places (the stock one is sent 200 at
every poll), and `_submit_run` comes here. `tests/orchestration/test_claiming.py` fails where a new Prefect changes it.
"""

from datetime import UTC, datetime
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.workers.base import BaseWorker

Worker = BaseWorker[Any, Any, Any]


async def due_runs(worker: Worker, pool: str, queues: list[str], at_most: int) -> list[WorkerFlowRunResponse]:
    """Runs of these queues that should have begun, as the limits of pool and queues let them; none twice."""
    wanted = {"work_queue_names": queues, "scheduled_before": datetime.now(UTC).isoformat(), "limit": at_most}
    found = await worker.client.request(
        "POST", "/work_pools/{name}/get_scheduled_flow_runs", path_params={"name": pool}, json=wanted
    )
    runs = WorkerFlowRunResponse.model_validate_list(found.json())
    return [run for run in runs if run.flow_run.id not in worker._submitting_flow_run_ids]


async def claim(worker: Worker, flow_run: FlowRun) -> bool:
    """Whether the server grants the run to this worker."""
    return await worker._propose_pending_state(flow_run)


def put_down(worker: Worker, flow_run: FlowRun) -> None:
    """The poll took a place of the limit for it, and takes it up no second time while it is among the submitted."""
    worker._release_limit_slot(flow_run.id)
    worker._submitting_flow_run_ids.discard(flow_run.id)
    if worker._cancelling_observer is not None:
        worker._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)
