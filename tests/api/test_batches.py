"""`/batches`: submit, submit again, read, list, pause, cancel and run again."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from penstock.domain.batch.batch import Batch
from penstock.domain.batch.plan_totals import LineEstimate
from penstock.domain.ids import new_file_id
from penstock.domain.planning.cost import ExpectedRange
from penstock.domain.task import TaskError
from penstock.services import Services
from tests.api.app import BODY, FakeRunService, Project, serving, store_upload, with_settings
from tests.api.batches import PICTURE, json_lines, store_manifest
from tests.service import wait_for

SECRET = "https://example.com/a.png?X-Amz-Signature=5ecr3t"


def created(client: httpx.Client, project: Project, *items: object, **more: object) -> dict:
    answered = client.post("/batches", json={"items": items or [PICTURE]} | more, **project())
    assert answered.status_code == 200, answered.text
    return answered.json()["data"]


def begun(parts: Services, batch: dict, run: str = "run-of-batch") -> Batch:
    known = parts.records.batches.get_by_id(batch["id"])
    return parts.records.batches.begin(known.id, known.attempt, "owner", run)


def ended(parts: Services, batch: dict) -> Batch:
    running = begun(parts, batch)
    parts.records.batches.set_stage(running.id, running.attempt, "owner", "converting")
    assert parts.records.batches.end(running.id, running.attempt, "completed")
    return running


def violations(answered: httpx.Response) -> dict[str, str]:
    assert answered.status_code == 422, answered.text
    return {one["field"]: one["code"] for one in answered.json()["error"]["violations"]}


def test_a_batch_of_requests_is_accepted(client: httpx.Client, project: Project):
    told = client.post("/batches", json={"name": "photos", "items": [PICTURE, PICTURE]}, **project()).json()
    data = told["data"]

    assert list(data)[:14] == [
        "id", "object", "name", "status", "counts", "bytes_in", "bytes_out", "seconds", "eta", "manifest", "run",
        "created", "updated", "error",
    ]  # fmt: skip
    assert (data["object"], data["name"], data["status"]) == ("batch", "photos", "processing")
    assert (data["counts"]["total"], data["counts"]["queued"]) == (2, 2)
    assert (data["seconds"], data["eta"], data["manifest"], data["run"], data["plan"]) == (None,) * 5
    assert told["links"]["self"].endswith(f"/batches/{data['id']}")
    assert told["links"]["parent"].endswith("/batches")


def test_a_batch_can_be_read(client: httpx.Client, project: Project):
    batch = created(client, project)

    assert client.get(f"/batches/{batch['id']}", **project()).json()["data"] == batch


def test_the_same_body_is_the_same_batch_while_it_runs(client: httpx.Client, project: Project, parts: Services):
    with ThreadPoolExecutor(8) as crowd:
        ids = {one["id"] for one in crowd.map(lambda _: created(client, project), range(50))}
    begun(parts, created(client, project))
    again = created(client, project, name="another name")

    assert ids == {again["id"]}
    assert (again["counts"]["total"], again["run"]["id"]) == (1, "run-of-batch")


def test_afterwards_it_runs_again(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project)
    ended(parts, batch)
    again = created(client, project)

    assert (again["id"], again["status"], again["run"]) == (batch["id"], "processing", None)
    assert parts.records.batches.get_by_id(batch["id"]).attempt == 2


def test_another_item_makes_another_batch(client: httpx.Client, project: Project, other: Project):
    ids = [
        created(client, project)["id"],
        created(client, project, PICTURE | {"width": 5})["id"],
        created(client, project, PICTURE, PICTURE)["id"],
        created(client, project, defaults={"quality": 0.5})["id"],
        created(client, other)["id"],
    ]

    assert len(set(ids)) == 5


def test_ten_thousand_items_are_accepted_and_leave_the_queue_alone(parts: Services, project: Project):
    items = [{"url": f"https://example.com/{number}.png", "format": "webp"} for number in range(10_000)]
    with serving(with_settings(parts, queue_per_project=1), FakeRunService()) as client:
        assert created(client, project, *items)["counts"]["total"] == 10_000
        assert client.post("/tasks", json=BODY, **project()).status_code == 200


def test_more_items_are_a_matter_for_a_manifest(client: httpx.Client, project: Project):
    answered = client.post("/batches", json={"items": [PICTURE] * 10_001}, **project())

    assert violations(answered) == {"items": "field_invalid"}
    assert "10,000" in answered.json()["error"]["message"]
    assert "manifest" in answered.json()["error"]["message"]


def test_a_batch_has_a_body_limit_of_its_own(parts: Services, project: Project):
    with serving(with_settings(parts, max_body_bytes=1024, max_batch_body_bytes=4096), FakeRunService()) as client:
        assert created(client, project, *[PICTURE] * 40)["counts"]["total"] == 40
        answered = client.post("/batches", json={"items": [PICTURE] * 200}, **project())

    assert (answered.status_code, answered.json()["error"]["code"]) == (413, "body_invalid")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"items": "field_required"}),
        ({"items": [PICTURE], "manifest": new_file_id()}, {"items": "input_ambiguous"}),
        ({"items": []}, {"items": "field_invalid"}),
        ({"items": {"url": "x"}}, {"items": "field_invalid"}),
        ({"manifest": "s3://bucket/lines.csv"}, {"manifest": "field_invalid"}),
        ({"manifest": "/etc/passwd"}, {"manifest": "field_invalid"}),
        ({"items": [PICTURE], "destination": "s3://bucket/out"}, {"destination": "field_unknown"}),
        ({"items": [PICTURE], "source": "/photos"}, {"source": "field_unknown"}),
        ({"items": [PICTURE], "not_after": "2026-01-31T06:00:00"}, {"not_after": "field_invalid"}),
        ({"items": [PICTURE], "not_after": "tomorrow"}, {"not_after": "field_invalid"}),
        ({"items": [PICTURE], "plan": "yes", "name": ""}, {"plan": "field_invalid", "name": "field_invalid"}),
        ({"items": [PICTURE], "webhook_url": "http://10.0.0.1/"}, {"webhook_url": "url_forbidden"}),
        ({"items": [PICTURE], "name": SECRET}, {"name": "field_invalid"}),
        ({"items": [PICTURE], "defaults": {"width": 0, "format": "x"}},
         {"defaults.width": "field_invalid", "defaults.format": "format_unsupported"}),
        ({"items": [PICTURE], "defaults": {"url": "file:///etc/passwd"}}, {"defaults.url": "url_forbidden"}),
        ({"items": [PICTURE], "defaults": {"\0": None}}, {"defaults.\0": "field_unknown"}),
        ({"items": [PICTURE], "defaults": {"destination": "s3://b/c"}}, {"defaults.destination": "field_unknown"}),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_body_itself_is_rejected(
    client: httpx.Client, project: Project, body: dict, expected: dict
):
    assert violations(client.post("/batches", json=body, **project())) == expected


def test_an_unknown_field_is_told_with_a_similar_one(client: httpx.Client, project: Project):
    error = client.post("/batches", json={"item": [PICTURE]}, **project()).json()["error"]

    assert "item is not a field of this request; did you mean items?" in [one["message"] for one in error["violations"]]


def test_what_is_wrong_in_an_item_is_left_to_its_line(client: httpx.Client, project: Project):
    batch = created(client, project, PICTURE, {}, "text", {"url": "file:///etc/passwd"}, {"hight": "\0"})

    assert batch["counts"]["queued"] == 5


def test_a_manifest_must_be_one_of_the_project(client: httpx.Client, project: Project, other: Project, parts: Services):
    theirs = store_manifest(parts, other, json_lines([PICTURE]))
    answers = [client.post("/batches", json={"manifest": name}, **project()) for name in (theirs, new_file_id())]

    assert [(one.status_code, one.json()["error"]["field"]) for one in answers] == [(404, "manifest")] * 2
    media = client.post("/batches", json={"manifest": store_upload(parts, project).id}, **project())
    assert violations(media) == {"manifest": "field_invalid"}


def test_a_batch_of_an_uploaded_manifest_is_accepted(client: httpx.Client, project: Project, parts: Services):
    manifest = store_manifest(parts, project, json_lines([PICTURE]))
    batch = client.post("/batches", json={"manifest": manifest.replace("file_", "med_")}, **project()).json()["data"]

    assert (batch["counts"]["total"], batch["manifest"]) == (0, None)
    assert parts.records.batches.get_by_id(batch["id"]).spec.manifest == manifest


def test_the_options_of_a_run_are_no_part_of_its_identity(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project, plan=True, not_after="2026-01-31T06:00:00+01:00")
    options = parts.records.batches.get_by_id(batch["id"]).options

    assert (options.plan, options.not_after) == (True, datetime(2026, 1, 31, 5, tzinfo=UTC))
    assert created(client, project)["id"] == batch["id"]


def test_batches_are_listed_by_status(client: httpx.Client, project: Project, parts: Services):
    running, paused, done = (created(client, project, PICTURE | {"width": width}) for width in (1, 2, 3))
    client.post(f"/batches/{paused['id']}/pause", **project())
    ended(parts, done)
    listed = {
        status: [batch["id"] for batch in client.get(f"/batches?status={status}", **project()).json()["data"]]
        for status in ("processing", "paused", "completed", "failed")
    }

    assert listed == {"processing": [running["id"]], "paused": [paused["id"]], "completed": [done["id"]], "failed": []}
    told = client.get("/batches?limit=2", **project()).json()
    assert (told["meta"]["total"], [batch["id"] for batch in told["data"]]) == (3, [done["id"], paused["id"]])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("?status=ended", "status must be planned, processing, paused, completed, cancelled or failed."),
        ("?kind=image", "kind is not a parameter of this path; it accepts page, limit, order, status."),
        ("/{}/items?status=paused",
         "status must be planned, queued, processing, completed, skipped, failed or cancelled."),
        ("/{}/items?code=%00", "code must be the code of an error, such as input_unreadable."),
        ("/{}/items?format=x", "format is not a parameter of this path; it accepts page, limit, order, status, code."),
    ],
)  # fmt: skip
def test_an_unknown_parameter_is_rejected(client: httpx.Client, project: Project, path: str, message: str):
    answered = client.get(f"/batches{path.format(created(client, project)['id'])}", **project())

    assert (answered.status_code, answered.json()["error"]["message"]) == (422, message)


def failed_line(parts: Services, batch: dict, number: int, code: str) -> None:
    items = parts.records.batch_items
    (item,) = items.next_page(batch["id"], number - 1, None, 1)
    items.update(batch["id"], [replaced(item, status="failed", error=TaskError(code, "No."))])


def replaced(item, **values):
    return type(item)(**{name: getattr(item, name) for name in item.__slots__} | values)


def test_the_items_are_listed_in_the_order_of_the_lines(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project, *[PICTURE | {"width": width} for width in range(1, 6)])
    failed_line(parts, batch, 2, "input_unreadable")
    failed_line(parts, batch, 4, "url_forbidden")
    path = f"/batches/{batch['id']}/items"

    def numbers(query: str) -> list[int]:
        return [item["number"] for item in client.get(path + query, **project()).json()["data"]]

    assert numbers("") == [1, 2, 3, 4, 5]
    assert numbers("?limit=2&page=2") == [3, 4]
    assert numbers("?order=desc&limit=1") == [5]
    assert numbers("?status=failed") == [2, 4]
    assert numbers("?code=url_forbidden") == [4]
    assert client.get(f"{path}?status=failed", **project()).json()["meta"]["total"] == 2


def test_an_item_shows_its_input_as_it_was_sent(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project, {"url": SECRET, "format": "webp"})
    failed_line(parts, batch, 1, "input_unreadable")
    (item,) = client.get(f"/batches/{batch['id']}/items", **project()).json()["data"]

    assert (item["input"], item["status"], item["error"]["code"]) == (SECRET, "failed", "input_unreadable")
    assert (item["output"], item["task"], item["saved"]) == (None, None, None)


def test_secrets_are_neither_logged_nor_part_of_a_run(
    client: httpx.Client, project: Project, parts: Services, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        batch = created(client, project, {"url": SECRET, "format": "webp"}, defaults={"webhook_url": SECRET})
        client.get(f"/batches/{batch['id']}/items", **project())
    (pending,) = [one for one in parts.records.unfinished_runs.claim_due(1000) if one.id == batch["id"]]

    assert "5ecr3t" not in caplog.text
    assert "5ecr3t" not in repr(pending)


def test_a_batch_that_has_not_begun_is_cancelled_at_once(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project)
    data = client.post(f"/batches/{batch['id']}/cancel", **project()).json()["data"]

    assert (data["status"], data["counts"]["cancelled"], data["counts"]["queued"]) == ("cancelled", 1, 0)


def test_a_run_that_no_worker_has_started_is_ended(
    client: httpx.Client, project: Project, parts: Services, runs: FakeRunService
):
    batch = created(client, project)
    (pending,) = [one for one in parts.records.unfinished_runs.claim_due(1000) if one.id == batch["id"]]
    parts.records.unfinished_runs.record_run(pending, "run-not-started")
    client.post(f"/batches/{batch['id']}/cancel", **project())

    wait_for(lambda: "run-not-started" in runs.cancelled)


def test_a_run_that_has_begun_stops_itself(
    client: httpx.Client, project: Project, parts: Services, runs: FakeRunService
):
    batch = begun(parts, created(client, project), "run-that-stops")
    data = client.post(f"/batches/{batch.id}/cancel", **project()).json()["data"]

    assert (data["status"], data["run"]["id"]) == ("processing", "run-that-stops")
    assert parts.records.batches.heartbeat(batch.id, batch.attempt, "owner")
    assert "run-that-stops" not in runs.cancelled


@pytest.mark.parametrize("action", ["cancel", "pause", "resume"])
def test_a_batch_that_has_ended_is_left_as_it_is(client: httpx.Client, project: Project, parts: Services, action: str):
    batch = created(client, project)
    ended(parts, batch)
    answered = client.post(f"/batches/{batch['id']}/{action}", **project())

    assert (answered.status_code, answered.json()["error"]["code"]) == (409, "task_ended")


def test_a_batch_is_paused_and_resumed(client: httpx.Client, project: Project):
    batch = created(client, project)
    statuses = [
        client.post(f"/batches/{batch['id']}/{action}", **project()).json()["data"]["status"]
        for action in ("pause", "resume")
    ]

    assert statuses == ["paused", "processing"]


@pytest.mark.parametrize(
    ("body", "only"), [(None, "failed"), ({}, "failed"), ({"only": "failed"}, "failed"), ({"only": "all"}, "all")]
)
def test_an_ended_batch_is_run_again(
    client: httpx.Client, project: Project, parts: Services, body: dict | None, only: str
):
    batch = created(client, project)
    ended(parts, batch)
    data = client.post(f"/batches/{batch['id']}/rerun", json=body, **project()).json()["data"]

    assert (data["id"], data["status"]) == (batch["id"], "processing")
    assert parts.records.batches.get_by_id(batch["id"]).options.only == only


@pytest.mark.parametrize(
    ("body", "code"), [({"only": "some"}, "field_invalid"), ({"lines": 3}, "field_unknown"), ([], "body_invalid")]
)
def test_a_rerun_with_another_body_is_rejected(
    client: httpx.Client, project: Project, parts: Services, body: object, code: str
):
    batch = created(client, project)
    ended(parts, batch)
    answered = client.post(f"/batches/{batch['id']}/rerun", json=body, **project())

    assert answered.json()["error"]["code"] == code


def test_a_running_batch_is_not_run_again(client: httpx.Client, project: Project):
    answered = client.post(f"/batches/{created(client, project)['id']}/rerun", **project())

    assert (answered.status_code, answered.json()["error"]["code"]) == (409, "task_ended")


def test_the_time_left_follows_the_rate_of_this_run(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project, *[PICTURE | {"width": width} for width in (1, 2, 3)])
    running = begun(parts, batch)
    unknown = client.get(f"/batches/{batch['id']}", **project()).json()["data"]
    task = client.post("/tasks", json=BODY, **project()).json()["data"]
    items = parts.records.batch_items
    (first,) = items.next_page(running.id, 0, None, 1)
    items.update(
        running.id,
        [replaced(first, status="completed", task_id=task["id"], result={"bytes_in": 3_000_000_000, "bytes_out": 5})],
    )
    told = client.get(f"/batches/{batch['id']}", **project()).json()["data"]

    assert unknown["eta"] is None
    assert unknown["seconds"] >= 0
    assert told["eta"] in range(3)
    assert (told["bytes_in"], told["bytes_out"]) == (3_000_000_000, 5)
    assert items.count_ended(running.id, datetime.now(UTC) + timedelta(hours=1)) == 0


def test_a_planned_batch_shows_what_it_costs(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project, PICTURE, {}, plan=True)
    running = begun(parts, batch)
    items = parts.records.batch_items
    (first, _) = items.next_page(running.id, 0, None, 2)
    estimate = LineEstimate("convert", 1000, ExpectedRange(100, 80, 120), ExpectedRange(7200, 3600, 14400), places=2)
    items.update(running.id, [replaced(first, status="planned", result=estimate.as_result())])
    failed_line(parts, batch, 2, "field_required")
    parts.records.batches.end(running.id, running.attempt, "planned")
    told = client.get(f"/batches/{batch['id']}", **project()).json()["data"]

    assert (told["status"], told["counts"]["planned"], told["eta"]) == ("planned", 1, None)
    assert told["plan"] == {
        "files": 2,
        "actions": {"convert": 1},
        "skipped": 0,
        "refusals": {"field_required": 1},
        "unestimated": 0,
        "bytes_in": 1000,
        "bytes_out": {"expected": 100, "low": 80, "high": 120},
        "seconds": {"expected": 7200, "low": 3600, "high": 14400},
        "hours_on_workers": {
            "1": {"expected": 1, "low": 0.5, "high": 2},
            "2": {"expected": 0.5, "low": 0.25, "high": 1},
            "4": {"expected": 0.25, "low": 0.125, "high": 0.5},
            "8": {"expected": 0.125, "low": 0.0625, "high": 0.25},
        },
    }


def test_why_a_batch_failed_is_shown(client: httpx.Client, project: Project, parts: Services):
    batch = created(client, project)
    running = begun(parts, batch)
    parts.records.batches.end(running.id, running.attempt, "failed", TaskError("field_invalid", "No.", "manifest"))
    told = client.get(f"/batches/{batch['id']}", **project()).json()["data"]

    assert (told["status"], told["error"]["code"], told["error"]["field"]) == ("failed", "field_invalid", "manifest")
