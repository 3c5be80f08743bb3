"""What an operator sees of a run in the Prefect UI without opening its log."""

import logging
import re

import httpx
import pytest

from tests.fundamentals.stored import logs_of, logs_with
from tests.service import artifacts_of, csrf, wait_for

pytestmark = pytest.mark.service


def uploaded(penstock, path, name):
    answer = httpx.post(
        f"{penstock.service.api_url}/files",
        params={"name": name},
        content=path.read_bytes(),
        headers={"Authorization": f"Bearer {penstock.key}"},
        trust_env=False,
    )
    return answer.raise_for_status().json()["data"]


def ended_run(penstock, task):
    """The flow run once Prefect has its end."""
    return wait_for(lambda: run if (run := penstock.flow_run(task))["end_time"] else None)


def stages_of(penstock, task):
    wanted = {"flow_runs": {"id": {"any_": [task["run"]["id"]]}}}
    found = penstock.prefect.post("/task_runs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()
    return {run["name"]: run["state_name"] for run in found if run["end_time"]}


def test_the_name_of_an_upload_is_in_the_run_and_its_message_and_on_the_output(penstock, clip):
    file = uploaded(penstock, clip, "Urlaub am Meer.mov")
    task = penstock.converted({"file_id": file["id"], "kind": "video", "format": "mp4", "width": 62, "quality": 0.7})
    run = ended_run(penstock, task)

    assert task["output"]["name"] == "Urlaub am Meer.mp4"
    assert run["name"] == f"convert mp4 · Urlaub am Meer.mov · {task['id']}"
    assert {"width:62", "quality:0.7"} <= set(run["tags"])
    shown = r"Urlaub am Meer\.mov [\d.]+ k?M?B → mp4 [\d.]+ k?B \([−+][\d.]+ %\), VMAF \d+, [\d.]+ s"
    assert re.fullmatch(shown, run["state"]["message"]), run["state"]["message"]
    stages = wait_for(lambda: seen if len(seen := stages_of(penstock, task)) == 7 else None)
    assert {"verify", "score"} <= set(stages)
    assert any(re.match(r"transcode · encode h264 62x\d+", name) for name in stages), stages


def test_the_form_needs_no_kind_and_its_run_is_named_like_every_other(penstock, photo):
    file = uploaded(penstock, photo, "photo of me.png")
    deployment = penstock.prefect.get("/deployments/name/convert-request/convert-request").json()["id"]
    request = {"file_id": file["id"], "format": "webp", "width": 61}
    body = {"parameters": {"request": request}, "state": {"type": "SCHEDULED"}}
    created = penstock.prefect.post(
        f"/deployments/{deployment}/create_flow_run", json=body, headers=csrf(penstock)
    ).raise_for_status()
    run = wait_for(lambda: ended(penstock, created.json()["id"]), 60)

    assert run["state"]["name"] == "Completed", run["state"]["message"]
    assert run["name"].startswith("convert webp · photo of me.png · tsk_")
    assert {"kind:image", "format:webp", "width:61"} <= set(run["tags"])


def ended(penstock, run_id):
    run = penstock.prefect.get(f"/flow_runs/{run_id}").json()
    return run if run["end_time"] else None


def test_a_refusal_says_so_by_its_state_name_and_tags_without_a_traceback(penstock, origin, photo):
    upscaled = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 5000}
    task = penstock.finished(penstock.client.create(upscaled))
    run = ended_run(penstock, task)

    assert (run["state"]["type"], run["state"]["name"]) == ("FAILED", "Refused")
    assert run["state"]["message"].startswith("upscale_not_allowed: The input is ")
    wait_for(lambda: {"refused", "code:upscale_not_allowed"} <= set(penstock.flow_run(task)["tags"]))
    wait_for(lambda: "Refused" in stages_of(penstock, task).values())
    assert "Traceback" not in str(wait_for(lambda: logs_of(penstock, task)))


def test_a_cancel_from_the_ui_leaves_run_and_stages_cancelled_and_no_traceback(penstock, origin, long_video):
    long = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "mp4", "height": 690}
    task = penstock.client.create(long)
    wait_for(lambda: penstock.client.task(task["id"])["progress"] > 0, 120)
    task = penstock.client.task(task["id"])
    state = {"type": "CANCELLING", "name": "Cancelling"}
    run_url = f"/flow_runs/{task['run']['id']}"
    penstock.prefect.post(f"{run_url}/set_state", json={"state": state}, headers=csrf(penstock)).raise_for_status()
    run = ended_run(penstock, task)

    assert (run["state"]["type"], run["state"]["name"]) == ("CANCELLED", "Cancelled")
    stages = wait_for(lambda: seen if len(seen := stages_of(penstock, task)) == 3 else None)
    assert "Failed" not in stages.values()
    assert "Cancelled" in stages.values()
    logs = wait_for(lambda: logs_with("Finished in state Cancelled", penstock, task))
    assert "Traceback" not in str(logs)
    assert [line["message"] for line in logs if line["level"] >= logging.ERROR] == []


def test_filters_that_an_operator_wants_are_saved_in_the_ui(penstock, origin, photo):
    upscaled = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 5001}
    task = penstock.finished(penstock.client.create(upscaled))
    saved = penstock.prefect.post("/saved_searches/filter", json={}, headers=csrf(penstock)).raise_for_status().json()
    (refused,) = (each for each in saved if each["name"] == "Penstock: refused, for the caller")
    (by_tag,) = refused["filters"]

    wanted = {"flow_runs": {"id": {"any_": [task["run"]["id"]]}, "tags": {"all_": by_tag["value"]}}}
    assert by_tag["property"] == "tag"
    assert wait_for(lambda: penstock.prefect.post("/flow_runs/count", json=wanted, headers=csrf(penstock)).json() == 1)


def test_the_artifacts_page_lists_the_progress_of_a_run_with_its_stage(penstock, origin, long_video):
    long = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "end": 29}
    task = penstock.client.create(long)
    wait_for(lambda: penstock.client.task(task["id"])["progress"] > 0, 120)
    (shown,) = wait_for(lambda: artifacts_of(penstock, penstock.client.task(task["id"])), 120)
    described = wait_for(lambda: progress_with(penstock, task, "encoding"), 60)
    penstock.client.cancel(task["id"])

    assert shown["key"] == f"progress-{task['id'].replace('_', '-')}"
    assert long_video.name in described


def progress_with(penstock, task, word):
    for shown in artifacts_of(penstock, penstock.client.task(task["id"])):
        if word in (shown["description"] or ""):
            return shown["description"]
    return None
