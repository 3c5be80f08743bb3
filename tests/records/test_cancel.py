"""Cancelling tasks, running or not."""

import pytest

from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.records import Records
from tests.records.rows import complete_task, video_request


def test_a_task_without_a_run_is_cancelled_at_once(records: Records, project: ProjectId):
    task = records.tasks.cancel(project, records.tasks.submit(project, video_request()).id)

    assert (task.status, task.state) == ("cancelled", "cancelled")
    assert task.id not in [submission.task_id for submission in records.tasks.claim_due(1000)]


def test_a_running_task_is_told_to_stop(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", "run")

    assert records.tasks.cancel(project, task.id).state == "cancelling"
    assert records.tasks.heartbeat(task.id, 1, "me", "transcoding", 50) is True
    assert records.tasks.get(project, task.id).state == "cancelling"
    assert records.tasks.end(task.id, 1, "cancelled")


def test_cancelling_twice_is_harmless(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", "run")

    records.tasks.cancel(project, task.id)

    assert records.tasks.cancel(project, task.id).state == "cancelling"


def test_an_ended_task_cannot_be_cancelled(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))

    with pytest.raises(errors.TaskEnded):
        records.tasks.cancel(project, done.id)


def test_the_task_of_another_project_cannot_be_cancelled(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())

    with pytest.raises(errors.TaskNotFound):
        records.tasks.cancel(records.keys.new_project("passer-by"), task.id)
    assert records.tasks.get(project, task.id).status == "processing"


def test_a_cancelled_task_gets_a_new_attempt_when_requested_again(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.cancel(project, task.id)
    records.tasks.end(task.id, 1, "cancelled")

    again = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 2, "me", "run 2")

    assert again.attempt == 2
    assert records.tasks.heartbeat(task.id, 2, "me", "fetching", 0) is False
