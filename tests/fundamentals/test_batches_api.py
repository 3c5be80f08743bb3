"""Batches over the API: many requests at once, each line a Task, and a manifest of what became of them."""

import json
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.fundamentals.stored import files_of, tables_with
from tests.service import artifacts_of, csrf, wait_for

pytestmark = pytest.mark.service

SECRET = "5ecr3t0fTheB4tch"
DEFAULTS = {"format": "webp", "width": 96}


@pytest.fixture
def api(penstock):
    headers = {"Authorization": f"Bearer {penstock.key}"}
    with httpx.Client(base_url=penstock.service.api_url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def pictures(media_folder) -> list[Path]:
    """Three pictures of different colors."""
    paths = [media_folder / f"picture-{number}.png" for number in range(3)]
    for path, color in zip(paths, ("teal", "navy", "olive"), strict=True):
        Image.new("RGB", (200, 150), color).save(path)
    return paths


@pytest.fixture(scope="module")
def broken(media_folder) -> Path:
    path = media_folder / "broken.png"
    path.write_bytes(b"no picture")
    return path


def post(api, path, body=None):
    answered = api.post(path, json=body)
    assert answered.status_code == 200, answered.text
    return answered.json()["data"]


def read(api, batch):
    return api.get(f"/batches/{batch['id']}").json()["data"]


def done(api, batch, seconds=90):
    return wait_for(lambda: ended(read(api, batch)), seconds)


def ended(batch):
    return batch if batch["status"] not in ("processing", "paused") else None


def items(api, batch, query=""):
    return api.get(f"/batches/{batch['id']}/items?limit=100{query}").json()["data"]


def page_of(penstock, batch):
    """The page of a batch in the Prefect UI."""
    return next((one["data"] for one in artifacts_of(penstock, batch) if one["type"] == "markdown"), None)


def manifest_of(api, batch):
    return [json.loads(line) for line in api.get(batch["manifest"]["url"]).text.splitlines()]


@pytest.fixture(scope="module")
def body(penstock, origin, pictures, broken):
    """Three uploads, a picture of the web whose address is a secret, and two lines that fail."""
    uploads = [{"file_id": penstock.client.upload(path)["id"]} for path in pictures]
    web = {"url": f"{origin}/{pictures[0].name}?token={SECRET}", "width": 48}
    lines = [*uploads, web, {"url": f"{origin}/{broken.name}"}, {"url": "file:///etc/passwd"}]
    return {"name": "pictures", "defaults": DEFAULTS, "items": lines}


def test_a_batch_converts_its_lines_and_says_what_became_of_each(penstock, api, body, pictures):
    batch = done(api, post(api, "/batches", body))
    lines = items(api, batch)
    task = api.get(f"/tasks/{lines[3]['task']}").json()["data"]

    assert batch["status"] == "completed", batch["error"]
    assert batch["counts"] | {"total": 6, "completed": 4, "failed": 2} == batch["counts"]
    assert [line["status"] for line in lines] == ["completed"] * 4 + ["failed"] * 2
    assert [line["error"] and line["error"]["code"] for line in lines][4:] == ["input_unreadable", "url_forbidden"]
    assert [line["width"] for line in lines[:4]] == [96, 96, 96, 48]
    assert batch["bytes_in"] == sum(line["bytes_in"] for line in lines[:4])
    assert batch["bytes_out"] == sum(line["bytes_out"] for line in lines[:4])
    assert (batch["eta"], batch["seconds"] > 0, lines[5]["task"]) == (None, True, None)
    assert (task["batch"], task["status"], task["output"]["id"]) == (batch["id"], "completed", lines[3]["output"])
    assert task["run"]["id"] != batch["run"]["id"]
    assert "webp" in str(task["plan"])
    assert penstock.client.receipt(task["id"])["output"]["width"] == 48
    assert penstock.bytes_of(task["output"]["url"])[8:12] == b"WEBP"
    page = wait_for(lambda: page_of(penstock, batch))
    assert all(path.stem in page for path in pictures)
    assert SECRET not in page


def test_the_result_manifest_is_a_file_that_is_a_manifest_again(api, body):
    batch = done(api, post(api, "/batches", body))
    lines = manifest_of(api, batch)

    assert (batch["manifest"]["kind"], batch["manifest"]["format"]) == ("manifest", "jsonl")
    assert [line["input"] for line in lines] == [line.get("file_id") or line["url"] for line in body["items"]]
    assert [line["output"] for line in lines] == [line["output"] for line in items(api, batch)]
    again = done(api, post(api, "/batches", {"manifest": batch["manifest"]["id"]}))
    assert again["counts"] | {"total": 6, "skipped": 4, "failed": 2} == again["counts"]
    assert [line["error"]["code"] for line in items(api, again, "&status=failed")] == [
        "input_unreadable",
        "url_forbidden",
    ]


def test_the_same_batch_again_skips_what_is_done(api, body):
    first = done(api, post(api, "/batches", body))
    again = done(api, post(api, "/batches", body))
    skipped = items(api, again, "&status=skipped")

    assert again["id"] == first["id"]
    assert again["counts"] | {"total": 6, "skipped": 4, "failed": 2} == again["counts"]
    assert all(line["reason"].startswith("unchanged since") for line in skipped)
    failed = done(api, post(api, f"/batches/{first['id']}/rerun"))
    assert failed["counts"] | {"skipped": 4, "failed": 2} == failed["counts"]


def test_a_plan_converts_nothing_and_says_what_it_costs(api, origin, pictures):
    lines = [{"url": f"{origin}/{path.name}", "width": 72} for path in pictures] + [{"url": "s3://bucket/a.png"}]
    batch = done(api, post(api, "/batches", {"items": lines, "defaults": {"format": "png"}, "plan": True}))

    assert (batch["status"], batch["counts"]["planned"], batch["counts"]["failed"]) == ("planned", 3, 1)
    assert (batch["plan"]["files"], batch["plan"]["refusals"]) == (4, {"url_forbidden": 1})
    assert batch["plan"]["bytes_in"] == sum(path.stat().st_size for path in pictures)
    assert [line["task"] for line in items(api, batch)] == [None] * 4
    assert [line["status"] for line in manifest_of(api, batch)] == ["planned"] * 3 + ["failed"]


def test_the_lines_of_a_csv_are_a_batch(penstock, api, tmp_path, origin, pictures):
    path = tmp_path / "lines.csv"
    path.write_text(f"input,width\n{origin}/{pictures[1].name},50\n{origin}/{pictures[2].name},60\n,\n")
    batch = done(api, post(api, "/batches", {"manifest": penstock.client.upload(path)["id"], "defaults": DEFAULTS}))

    assert batch["counts"] | {"total": 3, "completed": 2, "failed": 1} == batch["counts"]
    assert [line["width"] for line in items(api, batch)] == [50, 60, None]
    (failure,) = items(api, done(api, post(api, f"/batches/{batch['id']}/rerun")), "&status=failed")
    assert failure["error"]["code"] == "field_required"


def test_a_running_batch_is_cancelled_and_can_go_on(api, origin, long_video):
    """Films, so that lines have runs of their own, and others wait."""
    lines = [{"url": f"{origin}/{long_video.name}", "width": 300 + 2 * number} for number in range(6)]
    batch = post(api, "/batches", {"items": lines, "defaults": {"format": "avi"}})
    wait_for(lambda: items(api, batch, "&status=processing"), 60)
    task = items(api, batch, "&status=processing")[0]["task"]
    wait_for(lambda: api.get(f"/tasks/{task}").json()["data"]["state"] == "transcoding", 60)
    post(api, f"/batches/{batch['id']}/cancel")
    cancelled = done(api, batch, 30)

    assert cancelled["status"] == "cancelled"
    assert cancelled["counts"]["cancelled"] + cancelled["counts"]["completed"] == 6
    assert api.get(f"/tasks/{task}").json()["data"]["status"] == "cancelled"
    assert api.post(f"/batches/{batch['id']}/cancel").json()["error"]["code"] == "task_ended"


def test_a_secret_of_a_line_is_in_no_log_and_in_nothing_of_prefect(penstock, api, body):
    batch = done(api, post(api, "/batches", body))
    run = penstock.prefect.get(f"/flow_runs/{batch['run']['id']}").raise_for_status().json()
    logs = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
    told = penstock.prefect.post("/logs/filter", json=logs, headers=csrf(penstock)).raise_for_status().text

    assert set(run["parameters"]) == {"batch_id", "attempt"}
    assert SECRET not in told
    assert SECRET not in str(artifacts_of(penstock, batch))
    assert tables_with(SECRET, penstock, "prefect") == []
    assert [path for path in files_of(penstock.home.root) if SECRET.encode() in path.read_bytes()] == []
