"""Events of ended tasks and batches in the real Prefect, and automations both ways."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.service import csrf, exported, wait_for

pytestmark = pytest.mark.service

EXAMPLES = Path(__file__).parents[2] / "deployments" / "examples"
SECRET = "5ecr3tOfTheEvent"


def event_of(penstock, resource):
    """The event of a resource, once Prefect has it."""

    def found():
        wanted = {"filter": {"resource": {"id": [resource]}}}
        answer = penstock.prefect.post("/events/filter", json=wanted, headers=csrf(penstock)).raise_for_status()
        return answer.json()["events"]

    (event,) = wait_for(found, 60)
    return event


def related(event):
    return {each["prefect.resource.role"]: each["prefect.resource.id"] for each in event["related"]}


@pytest.mark.parametrize(("width", "status"), [(201, "completed"), (7000, "failed")])
def test_an_ended_task_is_an_event_with_its_facts(penstock, origin, photo, width, status):
    url = f"{origin}/photo.png?token={SECRET}"
    request = {"url": url, "kind": "image", "format": "webp", "width": width}
    task = penstock.finished(penstock.client.create(request))
    event = event_of(penstock, f"penstock.task.{task['id']}")

    assert event["event"] == f"penstock.task.{status}"
    assert (event["payload"]["task"], event["payload"]["status"]) == (task["id"], status)
    facts = (event["payload"]["output"] or {}).get("width"), (event["payload"]["error"] or {}).get("code")
    assert facts == ((201, None) if status == "completed" else (None, "upscale_not_allowed"))
    assert related(event)["flow-run"] == f"prefect.flow-run.{task['run']['id']}"
    assert related(event)["project"].startswith("penstock.project.prj_")
    assert SECRET not in str(event)
    assert "signature=" not in str(event)


def test_an_ended_batch_is_an_event_and_so_are_its_lines(penstock, origin, photo):
    headers = {"Authorization": f"Bearer {penstock.key}"}
    body = {"items": [{"url": f"{origin}/photo.png", "format": "webp", "width": 211}]}
    batch = post(penstock, "/batches", body, headers)
    event = event_of(penstock, f"penstock.batch.{batch['id']}")

    assert event["event"] == "penstock.batch.completed"
    assert event["payload"]["counts"]["completed"] == event["payload"]["counts"]["total"] == 1
    (line,) = get(penstock, f"/batches/{batch['id']}/items", headers)
    of_line = event_of(penstock, f"penstock.task.{line['task']}")
    assert related(of_line)["batch"] == f"penstock.batch.{batch['id']}"


def test_a_completed_task_starts_a_flow_of_somebody_else(penstock, origin, photo, tmp_path):
    command = [sys.executable, str(EXAMPLES / "after_conversion.py")]
    serving = subprocess.Popen(command, env=exported(penstock) | {"PREFECT_HOME": str(tmp_path)}, cwd=tmp_path)
    try:
        wait_for(lambda: has_automation(penstock, "after a conversion"), 60)
        request = {"url": f"{origin}/photo.png", "kind": "image", "format": "webp", "width": 221}
        task = penstock.converted(request)
        run = wait_for(lambda: run_of_flow(penstock, "after-conversion", task["id"]), 90)
        assert run["parameters"] == {"task": task["id"], "sha256": task["output"]["sha256"]}
    finally:
        serving.terminate()
        serving.wait(30)


def test_an_event_of_somebody_else_converts_what_it_names(penstock, origin, photo, tmp_path):
    environment = exported(penstock) | {"PREFECT_HOME": str(tmp_path)}
    command = [sys.executable, str(EXAMPLES / "convert_on_event.py")]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, timeout=60)
    event = {
        "event": "newsroom.film.arrived", "resource": {"prefect.resource.id": "newsroom.1"},
        "payload": {"url": f"{origin}/photo.png?from-an-event"}, "id": str(uuid4()),
    }  # fmt: skip

    def converted():
        headers = {"Authorization": f"Bearer {penstock.key}"}
        tasks = get(penstock, "/tasks?kind=image&format=webp&status=completed&limit=100", headers)
        return next((task for task in tasks if task["input"].endswith("?from-an-event")), None)

    wait_for(lambda: has_automation(penstock, "convert films that arrive"))
    emit(penstock, event)
    task = wait_for(converted, 90)
    assert (task["width"], task["output"]["width"]) == (320, 320)


def has_automation(penstock, name):
    found = penstock.prefect.post("/automations/filter", json={}, headers=csrf(penstock)).raise_for_status().json()
    return any(name in each["name"] for each in found)


def run_of_flow(penstock, flow, task_id):
    wanted = {"flows": {"name": {"any_": [flow]}}, "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    found = penstock.prefect.post("/flow_runs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()
    return next((run for run in found if run["parameters"]["task"] == task_id), None)


def emit(penstock, event):
    now = datetime.now(UTC).isoformat()
    penstock.prefect.post("/events", json=[event | {"occurred": now}], headers=csrf(penstock)).raise_for_status()


def post(penstock, path, body, headers):
    answer = httpx.post(penstock.service.api_url + path, json=body, headers=headers, trust_env=False)
    return answer.raise_for_status().json()["data"]


def get(penstock, path, headers):
    return (
        httpx.get(penstock.service.api_url + path, headers=headers, trust_env=False).raise_for_status().json()["data"]
    )
