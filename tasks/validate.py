"""Take the task, so that no other run has it, and refuse what needs no bytes."""

from prefect import get_run_logger, task
from prefect.runtime import flow_run

from penstock.domain.stages import Accepted
from penstock.domain.task import File, Task
from penstock.orchestration.run.attempt import Attempt
from penstock.services import Services, current
from penstock.tasks import policy


@task(**policy.VALIDATE)
def validate(attempt: Attempt) -> Accepted:
    services = current()
    with attempt.stage("validate", policy.DEADLINES["validate"]):
        taken = services.records.tasks.begin(attempt.task_id, attempt.number, attempt.owner, flow_run.id)
        attempt.begun()
    get_run_logger().info("%s → %s %s, attempt %d", taken.id, taken.request.kind, taken.request.format, taken.attempt)
    return Accepted(taken, _held_input(taken, services))


def _held_input(taken: Task, services: Services) -> File | None:
    if taken.request.file_id is None:
        return None
    return services.records.files.get(taken.project_id, taken.request.file_id)
