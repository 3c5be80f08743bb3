"""The same request is the same Task."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from penstock.domain import errors
from penstock.domain.attempts import QueueLimits
from penstock.domain.batch.lines import line_request
from penstock.domain.ids import ProjectId
from penstock.domain.task import File, TaskError
from penstock.records import Records
from tests.records.rows import complete_task, request_for_file, video_request


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_a_request_becomes_a_queued_task(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request(width=320))

    assert (task.status, task.state, task.progress, task.attempt) == ("processing", "queued", 0, 1)
    assert task.request == video_request(width=320)
    assert (task.output, task.error, task.plan, task.run_id, task.batch) == (None, None, None, None, None)
    assert task.created == task.updated


def test_a_line_of_a_batch_keeps_its_destination(records: Records, project: ProjectId):
    address = "file:///in/" + "ä" * 4000
    request = line_request({"kind": "image", "format": "webp"}, {}, address, "s3://out/a.webp")

    assert records.tasks.submit(project, request).request == request


def test_the_same_request_is_the_same_task(records: Records, project: ProjectId):
    assert records.tasks.submit(project, video_request()) == records.tasks.submit(project, video_request(quality=0.8))


def test_a_different_option_is_another_task(records: Records, project: ProjectId):
    assert (
        records.tasks.submit(project, video_request()).id
        != records.tasks.submit(project, video_request(quality=0.5)).id
    )


def test_two_projects_never_share_a_task(records: Records, project: ProjectId):
    other = records.keys.new_project("somebody else")

    assert records.tasks.submit(project, video_request()).id != records.tasks.submit(other, video_request()).id


def test_a_thousand_concurrent_requests_make_one_task(new_database: Callable[[], str]):
    url = new_database()
    records = Records(url)
    records.migrate()
    project = records.keys.new_project("crowd")
    with ThreadPoolExecutor(50) as crowd:
        opened = list(crowd.map(lambda _: records.tasks.submit(project, video_request()), range(1000)))
    records.close()

    assert len({task.id for task in opened}) == 1
    assert rows(url, "SELECT attempt FROM tasks") == [(1,)]
    assert rows(url, "SELECT attempt, tries FROM outbox") == [(1, 0)]


def test_a_failed_task_gets_a_new_attempt_when_requested_again(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    records.tasks.end(task.id, 1, "failed", TaskError("encoder_failed", "It failed."))

    again = records.tasks.submit(project, video_request())

    assert (again.id, again.attempt, again.status, again.error) == (task.id, 2, "processing", None)


def test_concurrent_requests_for_a_failed_task_make_one_attempt(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    records.tasks.end(task.id, 1, "failed", None)
    with ThreadPoolExecutor(16) as crowd:
        again = set(crowd.map(lambda _: records.tasks.submit(project, video_request()).attempt, range(64)))

    assert again == {2}


def test_a_completed_task_is_not_converted_again(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))

    assert records.tasks.submit(project, video_request()) == done
    assert records.tasks.find_current(project, video_request()) == done


def test_fresh_converts_a_completed_task_again(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))

    again = records.tasks.submit(project, video_request(fresh=True))

    assert (again.id, again.attempt, again.output) == (done.id, 2, None)
    assert records.tasks.submit(project, video_request(fresh=True)).attempt == 2


def test_a_deleted_output_is_converted_again_when_requested(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))
    records.files.delete(project, done.output.id)

    assert records.tasks.get(project, done.id).output is None
    assert records.tasks.find_current(project, video_request()) is None
    assert records.tasks.submit(project, video_request()).attempt == 2


def test_a_full_queue_rejects_new_tasks_only(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request("https://example.com/1"))
    full = QueueLimits(per_project=1)

    with pytest.raises(errors.QueueFull):
        records.tasks.submit(project, video_request("https://example.com/2"), full)
    assert records.tasks.submit(project, video_request("https://example.com/1"), full) == task


def test_the_total_limit_counts_all_projects(records: Records, project: ProjectId):
    records.tasks.submit(project, video_request())
    other = records.keys.new_project("late comer")

    with pytest.raises(errors.QueueFull):
        records.tasks.submit(other, video_request(), QueueLimits(total=1))


def test_the_file_of_another_project_cannot_be_an_input(records: Records, upload: File):
    other = records.keys.new_project("thief")

    with pytest.raises(errors.FileNotFound):
        records.tasks.submit(other, request_for_file(upload))


def test_a_request_is_stored_unchanged(records: Records, project: ProjectId):
    request = video_request(
        kind="image", format="gif", width=10, height=20, fit="pad", background="#00FF00", start=1, end=2.5
    )

    assert records.tasks.get(project, records.tasks.submit(project, request).id).request == request
