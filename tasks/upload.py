"""Store the verified output. No caller sees it yet."""

from dataclasses import replace
from datetime import UTC, datetime

from prefect import get_run_logger, task

from penstock.domain.stages import Rendition, Reuse, Stored
from penstock.domain.task import File
from penstock.orchestration.run.lease import Run, RunLease
from penstock.tasks import policy


@task(**policy.UPLOAD)
def upload(made: Rendition | Reuse, run: Run) -> Stored:
    with run.stages.stage("upload", policy.DEADLINES["upload"]):
        file = new_output_file(made, run.lease)
        if isinstance(made, Rendition):
            run.services.objects.put(made.path, file.key, file.facts.type, run.stop.is_set)
        get_run_logger().info("%s %s", "stored" if isinstance(made, Rendition) else "linked", file.id)
        return Stored(made.task, file, made.receipt)


def new_output_file(made: Rendition | Reuse, lease: RunLease) -> File:
    """A file of its own; that of a reuse names the bytes of the earlier one."""
    now = datetime.now(UTC)
    project_id = made.task.project_id
    if isinstance(made, Reuse):
        return replace(made.earlier, id=lease.output_id, task_id=made.task.id, created=now, updated=now)
    return File(
        id=lease.output_id,
        project_id=project_id,
        object="source",
        facts=made.facts,
        media=made.media,
        key=lease.output_key(project_id),
        task_id=made.task.id,
        created=now,
        updated=now,
        conversion=made.conversion,
    )
