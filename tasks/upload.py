"""Store the verified output. No caller sees it yet."""

from prefect import get_run_logger, task

from penstock.conversion.outputs import OutputStore, output_file
from penstock.domain.stages import Rendition, Reuse, Stored
from penstock.orchestration.run.lease import Run
from penstock.tasks import policy


@task(**policy.UPLOAD)
def upload(made: Rendition | Reuse, run: Run) -> Stored:
    with run.stages.stage("upload", policy.DEADLINES["upload"]):
        wanted = output_file(made, run.lease.output_id)
        store = OutputStore(run.services, run.stop.is_set)
        file = store.put(made, wanted)
        get_run_logger().info("%s %s", "stored" if isinstance(made, Rendition) else "linked", file.id)
        return Stored(made.task, file, made.receipt)
