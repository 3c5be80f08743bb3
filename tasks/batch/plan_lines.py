"""Plan the lines of a batch: which are converted, and why the others are not."""

from prefect import get_run_logger

from penstock.batches.estimating import estimate_lines
from penstock.batches.planning import plan_lines as plan_all
from penstock.batches.reporting import summary_sentence
from penstock.orchestration.batch.batch_run import BatchRun
from penstock.orchestration.batch.shown import shown_progress
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.PLAN_LINES)
def plan_lines(run: BatchRun) -> None:
    """Decide each line from the records and a look at its output; a plan also reads the headers of the inputs."""
    if not run.is_planned:
        plan_all(run.files, run.stop.is_set)
        run.record_planned()
        counts = run.services.records.batch_items.counts(run.batch.id)
        get_run_logger().info("planned: %s", summary_sentence(counts, ()))
    if run.batch.options.plan:
        with shown_progress(run) as show:
            estimate_lines(run.files, run.stop.is_set, show)
