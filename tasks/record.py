"""Make the result visible: the file and the completed task, in one transaction."""

from prefect import get_run_logger, task

from penstock.domain.stages import Stored
from penstock.domain.task import Task
from penstock.orchestration.run.attempt import Attempt
from penstock.orchestration.run.receipt_artifact import receipt_in_the_ui
from penstock.services import current
from penstock.tasks import policy


@task(**policy.RECORD)
def record(stored: Stored, attempt: Attempt) -> Task:
    with attempt.stage("record", policy.DEADLINES["record"]):
        tasks = current().records.tasks
        done = tasks.complete(attempt.task_id, attempt.number, attempt.owner, stored.file, stored.receipt)
        get_run_logger().info("%s is completed: %s", done.id, stored.file.id)
        receipt_in_the_ui(stored.file, stored.receipt)
        return done
