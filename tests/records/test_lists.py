"""Lists show a project's own things, page by page."""

import psycopg
from psycopg.types.json import Jsonb

from penstock.domain.ids import ProjectId
from penstock.domain.pagination import ListQuery
from penstock.domain.task import File
from penstock.records import Records
from tests.records.rows import complete_task, video_request


def test_tasks_come_newest_first(records: Records, project: ProjectId):
    tasks = [records.tasks.submit(project, video_request(f"https://example.com/{number}")) for number in range(5)]
    listing = records.tasks.page(project, ListQuery(limit=2))

    assert [task.id for task in listing.items] == [tasks[4].id, tasks[3].id]
    assert (listing.total, listing.pages) == (5, 3)
    assert records.tasks.page(project, ListQuery(page=3, limit=2)).items == (tasks[0],)
    assert records.tasks.page(project, ListQuery(limit=1, order="asc")).items == (tasks[0],)


def test_a_page_beyond_the_end_is_empty(records: Records, project: ProjectId):
    listing = records.tasks.page(project, ListQuery(page=7))

    assert (listing.items, listing.total, listing.pages) == ((), 0, 0)


def test_tasks_are_filtered_by_kind_status_and_format(records: Records, project: ProjectId):
    video = records.tasks.submit(project, video_request())
    audio = complete_task(records, records.tasks.submit(project, video_request(kind="audio", format="mp3")))

    assert records.tasks.page(project, ListQuery(kind="video")).items == (video,)
    assert records.tasks.page(project, ListQuery(status="completed")).items == (audio,)
    assert records.tasks.page(project, ListQuery(format="mp3")).items == (audio,)
    assert records.tasks.page(project, ListQuery(format="mp3", kind="video")).total == 0


def test_a_project_sees_only_its_own(records: Records, project: ProjectId, upload: File):
    records.tasks.submit(project, video_request())
    other = records.keys.new_project("onlooker")

    assert records.tasks.page(other, ListQuery()).total == 0
    assert records.files.page(other, ListQuery()).total == 0


def test_sources_are_the_outputs(records: Records, project: ProjectId, upload: File):
    done = complete_task(records, records.tasks.submit(project, video_request()))

    assert records.files.page(project, ListQuery(), only="source").items == (done.output,)
    assert set(records.files.page(project, ListQuery()).items) == {done.output, upload}


def test_the_total_stops_at_ten_thousand(records: Records, project: ProjectId):
    with psycopg.connect(records.url) as connection:
        connection.execute(
            "INSERT INTO tasks (id, project_id, fingerprint, request, kind, format, status)"
            " SELECT %(project)s || n, %(project)s, n, %(request)s, 'video', 'mp4', 'failed'"
            " FROM generate_series(1, 10001) n",
            {"project": project, "request": Jsonb(video_request().model_dump(exclude_defaults=True))},
        )

    assert records.tasks.page(project, ListQuery()).total == 10_000
