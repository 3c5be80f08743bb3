"""Every attempt gets a run, and a dispatcher that dies takes none with it."""

from concurrent.futures import ThreadPoolExecutor

from penstock.domain.ids import ProjectId
from penstock.domain.task import Task
from penstock.domain.work import Submission
from penstock.records import Records

from .conftest import asked, completed


def waiting_for(records: Records, task: Task) -> list[Submission]:
    return [submission for submission in records.tasks.due(1000) if submission.task_id == task.id]


def test_an_opened_task_waits_for_its_run(records: Records, project: ProjectId):
    task = records.tasks.open(project, asked())

    assert waiting_for(records, task) == [Submission(task.id, 1, "video", "mp4", tries=1)]


def test_dispatchers_do_not_take_the_same_submission(records: Records, project: ProjectId):
    opened = {records.tasks.open(project, asked(f"https://example.com/{number}")).id for number in range(40)}
    with ThreadPoolExecutor(8) as dispatchers:
        taken = [one.task_id for some in dispatchers.map(records.tasks.due, [5] * 60) for one in some]

    assert opened <= set(taken)
    assert len(taken) == len(set(taken))


def test_no_more_of_a_project_is_submitted_than_may_run_at_once(records: Records, project: ProjectId):
    tasks = [records.tasks.open(project, asked(f"https://example.com/{number}")) for number in range(4)]

    def lent() -> list[Submission]:
        return [one for one in records.tasks.due(1000, per_project=2) if one.task_id in {task.id for task in tasks}]

    first, second = lent()
    assert lent() == []
    records.tasks.submitted(first, "run 1")
    records.tasks.submitted(second, "run 2")
    assert lent() == []
    completed(records, records.tasks.get(project, first.task_id))
    assert len(lent()) == 1


def test_a_submitted_attempt_waits_no_more_and_knows_its_run(records: Records, project: ProjectId):
    task = records.tasks.open(project, asked())
    [submission] = waiting_for(records, task)

    assert records.tasks.submitted(submission, "run of it")
    assert records.tasks.get(project, task.id).run_id == "run of it"
    assert records.tasks.of_run("run of it") == (task.id, 1)
    assert (task.id, 1, "run of it") in [(r.task_id, r.attempt, r.run_id) for r in records.tasks.unfinished(1000)]


def test_a_postponed_submission_comes_back(records: Records, project: ProjectId):
    task = records.tasks.open(project, asked())
    [submission] = waiting_for(records, task)
    records.tasks.postponed(submission, 0)

    assert waiting_for(records, task) == [Submission(task.id, 1, "video", "mp4", tries=2)]


def test_nobody_wants_the_run_of_a_task_that_was_cancelled_meanwhile(records: Records, project: ProjectId):
    task = records.tasks.open(project, asked())
    [submission] = waiting_for(records, task)
    records.tasks.cancel(project, task.id)

    assert not records.tasks.submitted(submission, "unwanted")
    assert records.tasks.of_run("unwanted") is None
    assert records.tasks.of_run("never heard of") is None


def test_unfinished_attempts_come_page_by_page(records: Records, project: ProjectId):
    for number in range(3):
        [submission] = waiting_for(records, records.tasks.open(project, asked(f"https://example.com/{number}")))
        records.tasks.submitted(submission, f"run {number}")
    first = records.tasks.unfinished(2)

    assert [one.task_id for one in first] == sorted(one.task_id for one in first)
    assert all(one.task_id > first[-1].task_id for one in records.tasks.unfinished(2, after=first[-1].task_id))
