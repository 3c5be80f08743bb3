"""Store the verified output. No caller sees it yet."""

from datetime import UTC, datetime

from prefect import get_run_logger, task

from penstock.domain.stages import Rendition, Stored
from penstock.domain.task import File
from penstock.orchestration.run.lease import Run, RunLease
from penstock.tasks import policy


@task(**policy.UPLOAD)
def upload(rendition: Rendition, run: Run) -> Stored:
    with run.stages.stage("upload", policy.DEADLINES["upload"]):
        file = new_output_file(rendition, run.lease)
        run.services.objects.put(rendition.path, file.key, file.facts.type, run.stop.is_set)
        get_run_logger().info("stored %s", file.id)
        return Stored(rendition.task, file, rendition.receipt)


def new_output_file(rendition: Rendition, lease: RunLease) -> File:
    now = datetime.now(UTC)
    project_id = rendition.task.project_id
    return File(
        id=lease.output_id,
        project_id=project_id,
        object="source",
        facts=rendition.facts,
        media=rendition.media,
        key=lease.output_key(project_id),
        task_id=rendition.task.id,
        created=now,
        updated=now,
    )
