"""Put the verified result into the storage; nobody can see it yet."""

from datetime import UTC, datetime

from prefect import get_run_logger, task

from penstock.domain.stages import Rendition, Stored
from penstock.domain.task import File
from penstock.orchestration.run.attempt import Attempt
from penstock.services import current
from penstock.tasks import policy


@task(**policy.UPLOAD)
def upload(rendition: Rendition, attempt: Attempt) -> Stored:
    with attempt.stage("upload", policy.DEADLINES["upload"]):
        file = _output(rendition, attempt)
        attempt.stored = file.key
        current().objects.put(rendition.path, file.key, file.facts.type, attempt.stopped)
        get_run_logger().info("stored %s", file.id)
        return Stored(rendition.task, file, rendition.receipt)


def _output(rendition: Rendition, attempt: Attempt) -> File:
    now = datetime.now(UTC)
    task = rendition.task
    return File(
        id=attempt.output_id,
        project_id=task.project_id,
        object="source",
        facts=rendition.facts,
        media=rendition.media,
        key=f"{task.project_id}/{attempt.output_id}",
        task_id=task.id,
        created=now,
        updated=now,
    )
