"""Publish the output: the file, its receipt and the completed task, in one transaction."""

from prefect import get_run_logger

from penstock.domain.stages import Stored
from penstock.domain.task import Task
from penstock.orchestration.run.lease import Run
from penstock.tasks import policy
from penstock.tasks.stage import stage


@stage(policy.RECORD)
def record(stored: Stored, run: Run) -> Task:
    with run.stages.stage("record", policy.DEADLINES["record"]):
        lease, tasks = run.lease, run.services.records.tasks
        completed = tasks.complete(lease.task_id, lease.attempt, lease.owner, stored.file, stored.receipt)
        # Not at the end of the run: the pictures of the receipt take seconds, and a worker may die meanwhile.
        run.kept_outputs.discard(lease.task_id)
        get_run_logger().info("%s is completed: %s", completed.id, stored.file.id)
        return completed
