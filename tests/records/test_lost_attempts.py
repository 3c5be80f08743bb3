"""An attempt without heartbeats is lost and replaced by another."""

import pytest

from penstock.domain import errors
from penstock.domain.attempts import SLOT_REQUESTED, SLOT_WAITING, Losses, LostAttempt
from penstock.domain.ids import ProjectId
from penstock.domain.task import Task, TaskError
from penstock.records import Records
from tests.records.rows import video_request


@pytest.fixture
def task(records: Records, project: ProjectId) -> Task:
    task = records.tasks.submit(project, video_request())
    return records.tasks.begin(task.id, 1, "me", "run")


def lost(records: Records, task: Task) -> list[LostAttempt]:
    return [one for one in records.tasks.lost_attempts(0) if one.task_id == task.id]


def test_an_attempt_without_heartbeats_is_lost(records: Records, task: Task):
    assert lost(records, task) == [LostAttempt(task.id, 1, "run")]


def test_an_attempt_with_heartbeats_is_not_lost(records: Records, task: Task):
    assert task.id not in [one.task_id for one in records.tasks.lost_attempts(60)]


def test_an_attempt_that_never_began_is_not_lost(records: Records, project: ProjectId):
    assert lost(records, records.tasks.submit(project, video_request("https://example.com/new"))) == []


def test_a_lost_attempt_is_replaced(records: Records, project: ProjectId, task: Task):
    assert records.tasks.retry_lost(task.id, 1) == 2

    again = records.tasks.get(project, task.id)
    assert (again.attempt, again.state, again.run_id) == (2, "queued", None)
    assert [(task.id, 2)] == [(s.task_id, s.attempt) for s in records.tasks.claim_due(1000) if s.task_id == task.id]


def test_losses_are_counted_until_the_task_is_requested_again(records: Records, project: ProjectId, task: Task):
    records.tasks.retry_lost(task.id, 1)
    records.tasks.begin(task.id, 2, "you", "run 2")
    assert records.tasks.losses(task.id).count == 2

    records.tasks.end(task.id, 2, "failed")
    records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 3, "you", "run 3")
    assert records.tasks.losses(task.id).count == 1


@pytest.mark.parametrize(("slot", "losses"), [(SLOT_WAITING, 1), (SLOT_REQUESTED, 1), ("a lease", 2), (None, 2)])
def test_an_attempt_that_only_waited_is_no_loss_of_its_task(records: Records, task: Task, slot, losses):
    records.tasks.record_slot(task.id, 1, "me", slot)
    assert records.tasks.losses(task.id).count == losses - 1

    records.tasks.retry_lost(task.id, 1)
    assert records.tasks.losses(task.id).count == losses


def test_an_attempt_that_waits_holds_no_slot(records: Records, task: Task):
    records.tasks.record_slot(task.id, 1, "me", SLOT_WAITING)
    assert task.id not in [held.task_id for held in records.tasks.held_slots()]


def test_two_reconcilers_start_one_attempt(records: Records, task: Task):
    assert [records.tasks.retry_lost(task.id, 1), records.tasks.retry_lost(task.id, 1)] == [2, None]


def test_a_lost_run_that_comes_back_is_superseded(records: Records, task: Task):
    records.tasks.retry_lost(task.id, 1)

    with pytest.raises(errors.Superseded):
        records.tasks.heartbeat(task.id, 1, "me", "transcoding", 99)


def test_a_lost_attempt_that_was_to_be_cancelled_is_not_replaced(records: Records, project: ProjectId, task: Task):
    records.tasks.cancel(project, task.id)

    assert [one.task_id for one in lost(records, task)] == [task.id]
    assert records.tasks.retry_lost(task.id, 1) is None


def lose_in(records: Records, task: Task, *states: str) -> None:
    """Lose an attempt in each of these states; the last one is still the present one."""
    for attempt, state in enumerate(states, start=1):
        records.tasks.begin(task.id, attempt, f"owner {attempt}", f"run {attempt}")
        records.tasks.set_state(task.id, attempt, state)
        if attempt < len(states):
            records.tasks.retry_lost(task.id, attempt)


def test_the_state_in_which_each_attempt_was_lost_is_known(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request("https://example.com/same"))
    lose_in(records, task, "transcoding", "transcoding", "transcoding")
    assert records.tasks.losses(task.id) == Losses(3, "transcoding")


@pytest.mark.parametrize(
    "states", [("fetching", "transcoding", "transcoding"), ("fetching", "transcoding", "fetching")]
)
def test_losses_in_different_states_have_none(records: Records, project: ProjectId, states):
    task = records.tasks.submit(project, video_request(f"https://example.com/{states[2]}"))
    lose_in(records, task, *states)
    assert records.tasks.losses(task.id) == Losses(3, None)


def test_a_quarantined_task_is_not_tried_again_until_it_is_released(records: Records, project: ProjectId, task: Task):
    records.tasks.end(task.id, 1, "failed", TaskError("input_quarantined", "No."))
    assert records.tasks.submit(project, video_request()).attempt == 1
    assert task.id in [each.id for each in records.tasks.quarantined()]

    records.tasks.release(task.id)
    assert records.tasks.get(project, task.id).error.code == "worker_lost"
    assert task.id not in [each.id for each in records.tasks.quarantined()]
    assert records.tasks.submit(project, video_request()).attempt == 2


def test_only_a_quarantined_task_can_be_released(records: Records, task: Task):
    with pytest.raises(errors.TaskNotFound, match="no quarantined task"):
        records.tasks.release(task.id)
