"""Each request is one Prefect flow run, with its stages, logs and artifacts in the UI, and without secrets."""

import time
from uuid import UUID

import pytest

from tests.fundamentals.stored import logs_of
from tests.service import artifacts_of, csrf, ended, processes_with, wait_for

pytestmark = pytest.mark.service

STAGES = ["validate", "fetch", "transcode", "upload", "record"]


def test_the_run_has_a_readable_name_and_tags(penstock, origin, photo):
    task = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 21})
    run = penstock.flow_run(task)

    assert run["name"] == f"convert webp · photo.png · {task['id']}"
    assert {"kind:image", "format:webp"} <= set(run["tags"])


def test_the_run_has_five_stages(penstock, origin, photo):
    task = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 22})
    runs = wait_for(lambda: task_runs(penstock, task))

    assert [run["name"].partition(" · ")[0] for run in sorted(runs, key=lambda run: run["start_time"])] == STAGES


def test_parameters_are_ids_and_nothing_else(penstock, origin, photo):
    task = penstock.converted({"url": f"{origin}/{photo.name}?token=s3cret", "kind": "image", "format": "png"})
    run = penstock.flow_run(task)

    assert run["parameters"] == {"task_id": task["id"], "attempt": 1}
    assert "s3cret" not in str(run)


def test_a_secret_in_a_url_reaches_no_log(penstock, origin):
    task = penstock.finished(
        penstock.client.create({"url": f"{origin}/gone.mp4?token=hush-hush", "kind": "video", "format": "mp4"})
    )
    logs = wait_for(lambda: logs_of(penstock, task))

    assert "failed in fetch" in str(logs)
    assert "hush-hush" not in str(logs)
    for log in (penstock.home.root / "logs").glob("*.log"):
        assert "hush-hush" not in log.read_text()


def test_an_encode_shows_its_progress_in_prefect_and_on_the_task(penstock, origin, long_video):
    task = penstock.client.create({"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "end": 30})
    seen = wait_for(lambda: 0 < penstock.client.task(task["id"])["progress"] < 100, 120)
    artifacts = wait_for(lambda: artifacts_of(penstock, penstock.client.task(task["id"])), 60)
    penstock.client.cancel(task["id"])

    assert seen
    assert [artifact["type"] for artifact in artifacts] == ["progress"]


def test_a_failed_run_that_is_retried_in_the_ui_completes_its_task(penstock, origin, media_folder, photo):
    task = penstock.finished(
        penstock.client.create({"url": f"{origin}/later.png", "kind": "image", "format": "jpeg"}),
    )
    assert task["status"] == "failed"

    wait_for(lambda: penstock.flow_run(task)["state_type"] == "FAILED")
    (media_folder / "later.png").write_bytes(photo.read_bytes())
    set_state(penstock, task, {"type": "SCHEDULED", "name": "AwaitingRetry"})
    again = wait_for(lambda: completed(penstock, task), 60)
    assert (again["id"], again["attempt"], again["run"]) == (task["id"], 1, task["run"])


def test_a_request_can_be_the_parameters_of_a_run(penstock, origin, photo):
    request = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 99}
    deployment = penstock.prefect.get("/deployments/name/convert-request/convert-request").json()
    created = penstock.prefect.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        json={"parameters": {"request": request}, "state": {"type": "SCHEDULED"}},
        headers=csrf(penstock),
    )
    run = created.raise_for_status().json()
    wait_for(lambda: penstock.prefect.get(f"/flow_runs/{run['id']}").json()["state_type"] == "COMPLETED", 60)

    task = penstock.client.create(request)
    assert (task["status"], UUID(task["run"]["id"])) == ("completed", UUID(run["id"]))


@pytest.mark.parametrize("how", ["api", "prefect"])
def test_a_cancel_kills_the_encoder_within_five_seconds(penstock, origin, long_video, how):
    task = penstock.client.create(
        {
            "url": f"{origin}/{long_video.name}",
            "kind": "video",
            "format": "mp4",
            "height": {"api": 700, "prefect": 702}[how],
        }
    )
    wait_for(lambda: penstock.client.task(task["id"])["progress"] > 0, 120)
    assert encoders_of(penstock, task)
    begun = time.monotonic()
    cancel(penstock, task, how)

    wait_for(lambda: not encoders_of(penstock, task), 5)
    assert time.monotonic() - begun < 5
    assert wait_for(lambda: ended(penstock.client.task(task["id"])))["status"] == "cancelled"
    wait_for(lambda: penstock.flow_run(penstock.client.task(task["id"]))["state_type"] == "CANCELLED")


def cancel(penstock, task, how):
    if how == "api":
        penstock.client.cancel(task["id"])
    else:
        set_state(penstock, penstock.client.task(task["id"]), {"type": "CANCELLING", "name": "Cancelling"})


def completed(penstock, task):
    found = penstock.client.task(task["id"])
    return found if found["status"] == "completed" else None


def set_state(penstock, task, state):
    answer = penstock.prefect.post(
        f"/flow_runs/{task['run']['id']}/set_state", json={"state": state}, headers=csrf(penstock)
    )
    answer.raise_for_status()


def task_runs(penstock, task):
    wanted = {"flow_runs": {"id": {"any_": [task["run"]["id"]]}}}
    found = penstock.prefect.post("/task_runs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()
    return found if len(found) == len(STAGES) and all(run["start_time"] for run in found) else None


def encoders_of(_penstock, task):
    return processes_with("ffmpeg", task["id"])
