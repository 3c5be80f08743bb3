"""Every attempt gets one flow run, also if a dispatcher dies."""

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from penstock.domain.attempts import OutboxEntry
from penstock.domain.ids import ProjectId, TaskId
from penstock.domain.task import Task
from penstock.records import Records
from penstock.records.notifications import OUTBOX
from penstock.records.outbox import MAX_WAITING
from tests.records.rows import complete_task, video_request
from tests.service import wait_for


def waiting_for(records: Records, task: Task) -> list[OutboxEntry]:
    return [submission for submission in records.tasks.claim_due(1000) if submission.task_id == task.id]


def test_a_submitted_task_is_in_the_outbox(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())

    assert waiting_for(records, task) == [OutboxEntry(task.id, 1, tries=1)]


def test_dispatchers_do_not_claim_the_same_attempt(records: Records):
    projects = [records.keys.new_project(f"one of many {secrets.token_hex(8)}") for _ in range(40)]
    opened = {records.tasks.submit(each, video_request()).id for each in projects}
    with ThreadPoolExecutor(8) as dispatchers:
        taken = [one.task_id for some in dispatchers.map(records.tasks.claim_due, [5] * 60) for one in some]

    assert opened <= set(taken)
    assert len(taken) == len(set(taken))


def opened(records: Records, project: ProjectId, count: int, **more: object) -> set[TaskId]:
    return {
        records.tasks.submit(project, video_request(f"https://example.com/{number}", **more)).id
        for number in range(count)
    }


def handed(records: Records, among: set[TaskId], most: int = 1000) -> list[OutboxEntry]:
    """Those that were due, each with a run made of it."""
    due = [one for one in records.tasks.claim_due(most) if one.task_id in among]
    for one in due:
        records.tasks.record_run(one, f"run of {one.task_id}")
    return due


def begun(records: Records, submission: OutboxEntry) -> None:
    records.tasks.begin(submission.task_id, submission.attempt, "owner", f"run of {submission.task_id}")


def test_few_runs_of_a_project_wait_in_prefect(records: Records, project: ProjectId):
    tasks = opened(records, project, 20)
    first = handed(records, tasks)

    assert len(first) == MAX_WAITING["video"]
    assert handed(records, tasks) == []
    begun(records, first[0])
    assert len(handed(records, tasks)) == 1


def test_a_project_that_comes_later_does_not_wait_behind_a_thousand(separate_records: Records):
    early, late = separate_records.keys.new_project("early"), separate_records.keys.new_project("late")
    crowd = opened(separate_records, early, 50)
    for one in handed(separate_records, crowd):
        begun(separate_records, one)
    handed(separate_records, crowd)
    [alone] = opened(separate_records, late, 1)

    assert [one.task_id for one in handed(separate_records, crowd | {alone}, most=1)] == [alone]


def test_images_do_not_wait_behind_videos_of_their_project(records: Records, project: ProjectId):
    films, stills = opened(records, project, 20), opened(records, project, 20, kind="image", format="png")
    kinds = Counter("video" if one.task_id in films else "image" for one in handed(records, films | stills))

    assert kinds == {"video": MAX_WAITING["video"], "image": MAX_WAITING["image"]}


def test_projects_take_turns(separate_records: Records):
    projects = [separate_records.keys.new_project(f"project {number}") for number in range(3)]
    tasks = {task: each for each in projects for task in opened(separate_records, each, 10, kind="image", format="png")}
    turns = [Counter(tasks[one.task_id] for one in handed(separate_records, set(tasks), most=6)) for _ in range(2)]

    assert turns == [Counter(dict.fromkeys(projects, 2))] * 2


def test_a_begun_attempt_notifies_the_dispatcher(records: Records, project: ProjectId):
    tasks = opened(records, project, 3)
    first, _ = handed(records, tasks)
    with psycopg.connect(records.url, autocommit=True) as listener:
        listener.execute(f"LISTEN {OUTBOX}")
        begun(records, first)
        heard = [notice.payload for notice in listener.notifies(timeout=10, stop_after=1)]

    assert heard == [first.task_id]


def test_no_more_of_a_project_is_submitted_than_may_run_at_once(records: Records, project: ProjectId):
    tasks = [records.tasks.submit(project, video_request(f"https://example.com/{number}")) for number in range(4)]

    def lent() -> list[OutboxEntry]:
        return [
            one for one in records.tasks.claim_due(1000, per_project=2) if one.task_id in {task.id for task in tasks}
        ]

    first, second = lent()
    assert lent() == []
    records.tasks.record_run(first, "run 1")
    records.tasks.record_run(second, "run 2")
    assert lent() == []
    complete_task(records, records.tasks.get(project, first.task_id))
    assert len(lent()) == 1


def test_an_attempt_with_a_run_leaves_the_outbox(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    [submission] = waiting_for(records, task)

    assert records.tasks.record_run(submission, "run of it")
    assert records.tasks.get(project, task.id).run_id == "run of it"
    assert records.tasks.find_by_run("run of it") == (task.id, 1)
    assert (task.id, 1, "run of it") in [
        (r.task_id, r.attempt, r.run_id) for r in records.tasks.submitted_attempts(1000)
    ]


def test_a_postponed_attempt_is_claimable_later(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    [submission] = waiting_for(records, task)
    records.tasks.postpone(submission, 0)

    assert waiting_for(records, task) == [OutboxEntry(task.id, 1, tries=2)]


def test_the_run_of_a_task_cancelled_meanwhile_is_not_recorded(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    [submission] = waiting_for(records, task)
    records.tasks.cancel(project, task.id)

    assert not records.tasks.record_run(submission, "unwanted")
    assert records.tasks.find_by_run("unwanted") is None
    assert records.tasks.find_by_run("never heard of") is None


def test_unfinished_attempts_come_page_by_page(records: Records, project: ProjectId):
    for number in range(3):
        still = video_request(f"https://example.com/{number}", kind="image", format="png")
        [submission] = waiting_for(records, records.tasks.submit(project, still))
        records.tasks.record_run(submission, f"run {number}")
    first = records.tasks.submitted_attempts(2)

    assert [one.task_id for one in first] == sorted(one.task_id for one in first)
    assert all(one.task_id > first[-1].task_id for one in records.tasks.submitted_attempts(2, after=first[-1].task_id))


@pytest.mark.parametrize("how", ["submitted", "adopted"])
def test_cancelling_and_submitting_do_not_deadlock(records: Records, project: ProjectId, how: str):
    task = records.tasks.submit(project, video_request())
    submission = OutboxEntry(task.id, 1, tries=1)
    note = {
        "submitted": lambda: records.tasks.record_run(submission, "its run"),
        "adopted": lambda: records.tasks.submit_for_run(project, video_request(), "its run"),
    }[how]
    with psycopg.connect(records.url) as cancel, ThreadPoolExecutor(1) as dispatcher:
        cancel.execute("SELECT id FROM tasks WHERE id = %s FOR UPDATE", [task.id])
        noted = dispatcher.submit(note)
        wait_for(lambda: waits_for(records.url, cancel.info.backend_pid))
        cancel.execute("SET lock_timeout = '10s'")
        cancel.execute("DELETE FROM outbox WHERE task_id = %s", [task.id])
        cancel.commit()

        noted.result(30)


def waits_for(url: str, holder: int) -> bool:
    """Whether another connection waits for a lock of this one."""
    with psycopg.connect(url) as watcher:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
        found = watcher.execute(waiting, [holder]).fetchone()
        return bool(found and found[0])
