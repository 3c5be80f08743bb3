"""Store the verified output. No caller sees it yet."""

from prefect import get_run_logger

from penstock.conversion.outputs import OutputStore, output_file
from penstock.domain.batch.batch import ConvertedLine
from penstock.domain.stages import Rendition, Reuse, Stored
from penstock.domain.task import File
from penstock.orchestration.run.lease import Run
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.UPLOAD)
def upload(made: Rendition | Reuse, run: Run) -> Stored:
    with run.stages.stage("upload", policy.DEADLINES["upload"]):
        wanted = output_file(made, run.lease.output_id)
        store = OutputStore(run.services, run.stop.is_set, noted_sha256=_noted(made, wanted, run))
        file = store.put(made, wanted)
        get_run_logger().info("%s %s", "stored" if isinstance(made, Rendition) else "linked", file.id)
        return Stored(made.task, file, made.receipt)


def _noted(made: Rendition | Reuse, wanted: File, run: Run) -> str | None:
    """Note what is published next, so that a later run knows it as its own; returns what an earlier one noted."""
    if wanted.location is None:
        return None
    line, lease = ConvertedLine(made.task, wanted, made.receipt, version=None), run.lease
    return run.services.records.tasks.record_publishing((lease.task_id, lease.attempt, lease.owner), line)
