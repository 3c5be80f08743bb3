"""Take the task for this run, and check what needs no bytes of the input."""

from prefect import get_run_logger
from prefect.runtime import flow_run

from penstock.domain.stages import Accepted
from penstock.domain.task import File, Task
from penstock.orchestration.run.lease import Run
from penstock.records import Records
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.VALIDATE)
def validate(run: Run) -> Accepted:
    lease, records = run.lease, run.services.records
    with run.stages.stage("validate", policy.DEADLINES["validate"]):
        taken = records.tasks.begin(lease.task_id, lease.attempt, lease.owner, flow_run.id)
        run.begin_heartbeat()
    get_run_logger().info("%s → %s %s, attempt %d", taken.id, taken.request.kind, taken.request.format, taken.attempt)
    return Accepted(taken, _stored_input(taken, records))


def _stored_input(taken: Task, records: Records) -> File | None:
    if taken.request.file_id is None:
        return None
    return records.files.get(taken.project_id, taken.request.file_id)
