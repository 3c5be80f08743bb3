"""Make the Batch of a flow run's parameters."""

from typing import Any

from prefect import get_run_logger
from prefect.runtime import flow_run

from penstock.batches.accepting import accepted_batch
from penstock.domain.batch.batch import Batch
from penstock.services import Services
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.ACCEPT_BATCH)
def accept_batch(parameters: Any, project: str | None, services: Services) -> Batch | None:
    """The batch, with an attempt for this run; None if its last run has not ended. Raises `RequestError`."""
    batch = accepted_batch(parameters, project, flow_run.id, services)
    if batch is None:
        get_run_logger().info("the last run of this batch has not ended: skipped")
    return batch
