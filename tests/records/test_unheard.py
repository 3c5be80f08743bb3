"""A cancel of a run that never begins is not waited for for ever."""

from tests.records.conftest import asked


def test_a_cancel_that_no_run_heard_is_found(records, project):
    task = records.tasks.open(project, asked())
    records.tasks.submitted(due(records, task), "run-1")
    records.tasks.cancel(project, task.id)

    assert task.id in unheard(records, 0)
    assert task.id not in unheard(records, 60)


def test_a_run_that_has_begun_hears_for_itself(records, project):
    task = records.tasks.open(project, asked())
    records.tasks.submitted(due(records, task), "run-1")
    records.tasks.begin(task.id, 1, "me", "run-1")
    records.tasks.cancel(project, task.id)

    assert task.id not in unheard(records, 0)


def due(records, task):
    return next(submission for submission in records.tasks.due(1000) if submission.task_id == task.id)


def unheard(records, seconds):
    return [found.task_id for found in records.tasks.unheard_cancels(seconds)]
