"""What a run does to its attempt; a superseded run changes nothing."""

from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.task import Task, TaskError
from penstock.records import Records
from tests.records.rows import complete_task, output_of, video_request


@pytest.fixture
def task(records: Records, project: ProjectId) -> Task:
    return records.tasks.submit(project, video_request())


def test_a_begun_attempt_is_validating_and_has_its_run(records: Records, task: Task):
    begun = records.tasks.begin(task.id, 1, "me", "run 1")

    assert (begun.status, begun.state, begun.run_id) == ("processing", "validating", "run 1")


def test_heartbeats_update_state_and_progress(records: Records, task: Task):
    records.tasks.begin(task.id, 1, "me", "run")

    assert records.tasks.heartbeat(task.id, 1, "me", "transcoding", 40) is False
    assert (records.tasks.get_by_id(task.id).state, records.tasks.get_by_id(task.id).progress) == ("transcoding", 40)


def test_a_heartbeat_without_change_leaves_updated_alone(records: Records, task: Task):
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.heartbeat(task.id, 1, "me", "transcoding", 40)
    before = records.tasks.get_by_id(task.id).updated
    records.tasks.heartbeat(task.id, 1, "me", "transcoding", 40)

    assert records.tasks.get_by_id(task.id).updated == before


def test_a_live_owner_keeps_its_attempt(records: Records, task: Task):
    records.tasks.begin(task.id, 1, "me", "run")

    with pytest.raises(errors.Superseded):
        records.tasks.begin(task.id, 1, "you", "run")
    assert records.tasks.begin(task.id, 1, "me", "run").run_id == "run"


def test_an_owner_without_heartbeats_is_superseded(records_without_lease: Records, task: Task):
    records_without_lease.tasks.begin(task.id, 1, "me", "run")
    records_without_lease.tasks.begin(task.id, 1, "you", "run")

    with pytest.raises(errors.Superseded):
        records_without_lease.tasks.heartbeat(task.id, 1, "me", "transcoding", 1)
    with pytest.raises(errors.Superseded):
        records_without_lease.tasks.complete(task.id, 1, "me", output_of(task))


def test_an_older_attempt_is_superseded(records: Records, project: ProjectId, task: Task):
    records.tasks.end(task.id, 1, "failed", None)
    records.tasks.submit(project, video_request())

    with pytest.raises(errors.Superseded):
        records.tasks.begin(task.id, 1, "me", "run")
    assert records.tasks.end(task.id, 1, "failed", None) is False


def test_a_failed_attempt_can_be_retried_by_hand(records: Records, task: Task):
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.end(task.id, 1, "failed", TaskError("encoder_failed", "It failed."))

    again = records.tasks.begin(task.id, 1, "you", "run")

    assert (again.status, again.error, again.attempt) == ("processing", None, 1)


def test_a_completed_or_cancelled_attempt_cannot_be_begun(records: Records, project: ProjectId, task: Task):
    complete_task(records, task)
    cancelled = records.tasks.cancel(project, records.tasks.submit(project, video_request(width=2)).id)

    for ended in (task, cancelled):
        with pytest.raises(errors.Superseded):
            records.tasks.begin(ended.id, 1, "me", "run")


def test_a_finished_task_shows_its_output(records: Records, project: ProjectId, task: Task):
    records.tasks.begin(task.id, 1, "me", "run")
    output = output_of(task)
    done = records.tasks.complete(task.id, 1, "me", output)

    assert (done.status, done.state, done.progress) == ("completed", "completed", 100)
    assert done.output == replace(output, created=done.output.created, updated=done.output.updated)
    assert records.files.get(project, output.id) == done.output


def test_completing_twice_with_the_same_output_is_harmless(records: Records, task: Task):
    records.tasks.begin(task.id, 1, "me", "run")
    output = output_of(task)

    assert records.tasks.complete(task.id, 1, "me", output) == records.tasks.complete(task.id, 1, "me", output)


def test_a_superseded_run_adds_no_file(records: Records, project: ProjectId, task: Task):
    complete_task(records, task)
    late = output_of(task)

    with pytest.raises(errors.Superseded):
        records.tasks.complete(task.id, 1, "owner", late)
    with pytest.raises(errors.FileNotFound):
        records.files.get(project, late.id)


def test_a_failed_task_has_its_error(records: Records, task: Task):
    failure = TaskError("upscale_not_allowed", "Too large.", field="width", step="validate")

    assert records.tasks.end(task.id, 1, "failed", failure)
    assert records.tasks.get_by_id(task.id).error == failure
    assert records.tasks.get_by_id(task.id).state == "failed"


def test_an_ended_task_does_not_change(records: Records, task: Task):
    records.tasks.end(task.id, 1, "cancelled", None)

    assert not records.tasks.end(task.id, 1, "failed", None)
    assert records.tasks.get_by_id(task.id).status == "cancelled"


def test_a_plan_is_part_of_the_task_once_recorded(records: Records, task: Task):
    records.tasks.record_plan(task.id, 1, {"video": "copy"})

    assert records.tasks.get_by_id(task.id).plan == {"video": "copy"}


def test_the_state_of_an_ended_attempt_cannot_be_set(records: Records, task: Task):
    records.tasks.set_state(task.id, 1, "retrying")
    assert records.tasks.get_by_id(task.id).state == "retrying"

    records.tasks.end(task.id, 1, "failed", None)
    records.tasks.set_state(task.id, 1, "queued")
    assert records.tasks.get_by_id(task.id).state == "failed"
