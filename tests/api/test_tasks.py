"""`/tasks` and `/sources`: submit, submit again, long poll, list, cancel."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from penstock.domain.batch.lines import line_request
from penstock.records.batches.line_tasks import LineTask
from penstock.services import Services
from tests.api.app import BODY, FakeRunService, Project, complete_task_of
from tests.api.batches import order_of
from tests.service import wait_for


def created(client: httpx.Client, project: Project, **more: object) -> str:
    return client.post("/tasks", json=BODY | more, **project()).json()["data"]["id"]


def test_a_thousand_equal_posts_make_one_task(client: httpx.Client, project: Project, parts: Services):
    with ThreadPoolExecutor(32) as crowd:
        ids = set(crowd.map(lambda _: created(client, project), range(1000)))

    assert len(ids) == 1
    assert [submission.task_id for submission in parts.records.tasks.claim_due(10_000)].count(*ids) == 1


def test_jpg_is_read_as_jpeg(client: httpx.Client, project: Project):
    data = client.post("/tasks", json=BODY | {"kind": "image", "format": "jpg"}, **project()).json()["data"]

    assert data["format"] == "jpeg"


def test_null_means_left_out(client: httpx.Client, project: Project):
    assert created(client, project, width=None, quality=None, at=None) == created(client, project)


def test_a_task_can_be_read(client: httpx.Client, project: Project):
    task = client.post("/tasks", json=BODY, **project()).json()
    read = client.get(f"/tasks/{task['data']['id']}", **project()).json()

    assert (read["data"], read["links"]) == (task["data"], task["links"])


def test_waiting_ends_as_soon_as_the_task_does(client: httpx.Client, project: Project, parts: Services):
    task_id = created(client, project)
    end = threading.Timer(0.3, complete_task_of, (parts, task_id))
    end.start()
    began = time.monotonic()
    data = client.get(f"/tasks/{task_id}?wait=30", **project()).json()["data"]
    end.join()

    assert data["status"] == "completed"
    assert time.monotonic() - began < 15  # half of what it would wait


def test_a_long_poll_that_times_out_returns_the_task(client: httpx.Client, project: Project):
    assert client.get(f"/tasks/{created(client, project)}?wait=0.2", **project()).json()["data"]["state"] == "queued"


def test_a_hundred_long_polls_block_nobody(client: httpx.Client, project: Project, parts: Services):
    task_id = created(client, project)
    with ThreadPoolExecutor(100) as crowd:
        waiting = [crowd.submit(client.get, f"/tasks/{task_id}?wait=30", **project()) for _ in range(99)]
        assert client.get("/health").status_code == 200
        complete_task_of(parts, task_id)
        ends = {future.result().json()["data"]["status"] for future in waiting}

    assert ends == {"completed"}


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "nan"])
def test_a_long_poll_lasts_at_most_a_minute(client: httpx.Client, project: Project, wait: str):
    answered = client.get(f"/tasks/{created(client, project)}?wait={wait}", **project())

    assert (answered.status_code, answered.json()["error"]["field"]) == (422, "wait")


def test_a_queued_task_is_cancelled_at_once(client: httpx.Client, project: Project, runs: FakeRunService):
    data = client.post(f"/tasks/{created(client, project)}/cancel", **project()).json()["data"]

    assert (data["status"], data["error"]["code"]) == ("cancelled", "cancelled")


def test_the_run_of_a_cancelled_task_is_cancelled(
    client: httpx.Client, project: Project, parts: Services, runs: FakeRunService
):
    task_id = created(client, project)
    parts.records.tasks.begin(task_id, 1, "owner", "run-of-it")
    data = client.post(f"/tasks/{task_id}/cancel", **project()).json()["data"]

    assert (data["status"], data["state"]) == ("processing", "cancelling")
    wait_for(lambda: "run-of-it" in runs.cancelled)


def test_a_run_that_has_not_started_is_ended_at_once(
    client: httpx.Client, project: Project, parts: Services, runs: FakeRunService
):
    task_id = created(client, project)
    submission = next(one for one in parts.records.tasks.claim_due(1000) if one.task_id == task_id)
    parts.records.tasks.record_run(submission, "run-not-begun")
    data = client.post(f"/tasks/{task_id}/cancel", **project()).json()["data"]

    assert (data["status"], data["error"]["code"]) == ("cancelled", "cancelled")
    wait_for(lambda: "run-not-begun" in runs.cancelled)


def test_the_run_of_a_chunk_goes_on_without_a_cancelled_line(
    client: httpx.Client, project: Project, parts: Services, runs: FakeRunService
):
    order = order_of([BODY, BODY | {"width": 100}])
    batch = parts.records.batches.submit(project.id, order)
    lines = [LineTask(number, line_request({}, line.fields, None, None)) for number, line in enumerate(order.lines, 1)]
    chunk_id = parts.records.chunks.submit(batch.id, project.id, "image", "chunk", lines)
    first, second = parts.records.chunks.begin(chunk_id, 1, "owner", "run-of-chunk").lines
    data = client.post(f"/tasks/{first.id}/cancel", **project()).json()["data"]

    assert (data["status"], data["batch"], data["run"]["id"]) == ("cancelled", batch.id, "run-of-chunk")
    assert parts.records.chunks.heartbeat((chunk_id, 1, "owner")) == (False, {second.id})
    assert "run-of-chunk" not in runs.cancelled


def test_an_ended_task_is_not_cancelled(client: httpx.Client, project: Project, parts: Services):
    task_id = created(client, project)
    complete_task_of(parts, task_id)
    answered = client.post(f"/tasks/{task_id}/cancel", **project())

    assert (answered.status_code, answered.json()["error"]["code"]) == (409, "task_ended")


def test_tasks_are_listed_page_by_page(client: httpx.Client, project: Project):
    ids = [created(client, project, width=2 * number) for number in range(1, 6)]
    told = client.get("/tasks?limit=2&page=2&kind=video", **project()).json()
    here = str(client.base_url).rstrip("/") + "/tasks?limit=2&page={}&kind=video"

    assert list(told) == ["meta", "data", "links"]
    assert list(told["meta"].items())[-5:] == [("type", "list"), ("total", 5), ("page", 2), ("pages", 3), ("limit", 2)]
    assert [task["id"] for task in told["data"]] == [ids[2], ids[1]]
    assert list(told["links"].items()) == [
        ("self", here.format(2)),
        ("first", here.format(1)),
        ("prev", here.format(1)),
        ("next", here.format(3)),
        ("last", here.format(3)),
    ]


def test_the_last_page_has_no_next_and_an_empty_list_one_page(client: httpx.Client, project: Project):
    told = client.get("/tasks", **project()).json()

    assert (told["data"], told["meta"]["total"], told["meta"]["limit"]) == ([], 0, 12)
    assert (told["links"]["next"], told["links"]["prev"]) == (None, None)


@pytest.mark.parametrize(
    "query", ["page=0", "limit=101", "order=up", "kind=film", "status=done", "page=x", "size=3", "format=%00", "kind="]
)
def test_an_unknown_parameter_of_a_list_is_rejected(client: httpx.Client, project: Project, query: str):
    answered = client.get(f"/tasks?{query}", **project())

    assert (answered.status_code, answered.json()["error"]["field"]) == (422, query.partition("=")[0])


def test_sources_are_the_outputs(client: httpx.Client, project: Project, parts: Services):
    output = complete_task_of(parts, created(client, project)).output
    listed = client.get("/sources?status=completed", **project()).json()["data"]
    one = client.get(f"/sources/{output.id}", **project()).json()

    assert [file["id"] for file in listed] == [output.id]
    assert (one["data"]["object"], one["data"]["id"]) == ("source", output.id)
    assert one["links"]["parent"].endswith("/sources")
