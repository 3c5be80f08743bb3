"""Convert the planned lines of a batch, by runs of their own."""

from prefect.runtime import task_run

from penstock.batches.coordinating import Coordinator
from penstock.batches.feeding import Feeder
from penstock.batches.manifest_file import ManifestFile
from penstock.domain.batch.batch import BatchStatus
from penstock.orchestration.batch.batch_run import BatchRun
from penstock.orchestration.batch.shown import shown_progress, wait_for_task_run
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.CONVERT_LINES)
def convert_lines(run: BatchRun) -> BatchStatus:
    """Hand out the lines to runs, shown under this stage, and wait for their ends. A plan converts nothing."""
    if run.batch.options.plan:
        return "planned"
    if wait_for_task_run(task_run.id):
        run.show_children_under(task_run.id)
    manifest = ManifestFile(run.files)
    if not run.is_planned:
        manifest.begin()
    with shown_progress(run) as show:
        return Coordinator(run.batch, run.services, run.stop, Feeder(run.batch, run.services), manifest, show).run()
