"""List the inputs of a batch."""

from prefect import get_run_logger

from penstock.batches.listing import list_lines
from penstock.orchestration.batch.batch_run import BatchRun
from penstock.orchestration.batch.shown import rename_run
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.LIST_INPUTS)
def list_inputs(run: BatchRun) -> None:
    """Record an item for each file of the source, or line of the manifest."""
    if not run.is_planned:
        count = list_lines(run.files, run.stop.is_set)
        get_run_logger().info("%d lines", count)
        rename_run(run.batch, count)
