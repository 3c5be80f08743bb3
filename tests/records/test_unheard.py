"""A cancel of a run that never begins is not waited for for ever."""

from tests.records.conftest import asked


def test_a_cancel_that_no_run_heard_is_found(records, project):
    task = records.tasks.open(project, asked())
    submission = records.tasks.due(1)[0]
    records.tasks.submitted(submission, "run-1")
    records.tasks.cancel(project, task.id)

    assert [found.task_id for found in records.tasks.unheard_cancels(0)] == [task.id]
    assert records.tasks.unheard_cancels(60) == []


def test_a_run_that_has_begun_hears_for_itself(records, project):
    task = records.tasks.open(project, asked())
    records.tasks.submitted(records.tasks.due(1)[0], "run-1")
    records.tasks.begin(task.id, 1, "me", "run-1")
    records.tasks.cancel(project, task.id)

    assert records.tasks.unheard_cancels(0) == []
