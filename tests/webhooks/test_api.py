"""`/webhooks` and the delivery logs."""

import httpx
import pytest

from penstock.domain.webhooks import EVENT_TYPES
from penstock.services import Services
from tests.api.app import BODY, Project, complete_task_of

HOOK = {"url": "https://example.com/hook"}


def data(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_a_webhook_is_added_once_for_each_address(client: httpx.Client, project: Project):
    first = data(client.post("/webhooks", json=HOOK, **project()))
    again = data(client.post("/webhooks", json=HOOK | {"types": ["task.failed"]}, **project()))

    assert (first["types"], again["types"], again["id"]) == (None, ["task.failed"], first["id"])
    assert data(client.get("/webhooks", **project())) == [again]
    assert data(client.get(f"/webhooks/{first['id']}", **project())) == again


def test_a_deleted_webhook_is_not_called(client: httpx.Client, project: Project, parts: Services):
    hook = data(client.post("/webhooks", json=HOOK, **project()))
    data(client.delete(f"/webhooks/{hook['id']}", **project()))
    task = data(client.post("/tasks", json=BODY, **project()))
    complete_task_of(parts, task["id"])

    assert data(client.get(f"/tasks/{task['id']}/deliveries", **project())) == []


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "field_required", "url"),
        ({"url": 5}, "field_invalid", "url"),
        ({"url": "http://10.0.0.1/"}, "url_forbidden", "url"),
        ({"url": "ftp://example.com/"}, "url_forbidden", "url"),
        (HOOK | {"types": []}, "field_invalid", "types"),
        (HOOK | {"types": ["task.begun"]}, "field_invalid", "types"),
        (HOOK | {"type": "task.failed"}, "field_unknown", "type"),
        (["no object"], "body_invalid", None),
    ],
)
def test_a_wrong_webhook_is_refused(client: httpx.Client, project: Project, body: object, code: str, field: str | None):
    error = client.post("/webhooks", json=body, **project()).json()["error"]

    assert (error["code"], error["field"]) == (code, field)


def test_a_project_has_a_limited_number_of_webhooks(client: httpx.Client, project: Project):
    for number in range(20):
        data(client.post("/webhooks", json={"url": f"https://example.com/{number}"}, **project()))

    refused = client.post("/webhooks", json={"url": "https://example.com/20"}, **project())
    assert refused.status_code == 422
    assert "at most 20" in refused.json()["error"]["message"]
    data(client.post("/webhooks", json={"url": "https://example.com/7"}, **project()))  # one that is there


def test_the_log_of_a_task_and_its_replay(client: httpx.Client, project: Project, parts: Services):
    task = data(client.post("/tasks", json=BODY | {"webhook_url": "https://example.com/done"}, **project()))
    complete_task_of(parts, task["id"])

    (delivery,) = data(client.get(f"/tasks/{task['id']}/deliveries", **project()))
    assert (delivery["type"], delivery["url"]) == ("task.completed", "https://example.com/done")
    assert (delivery["status"], delivery["log"]) == ("pending", [])
    replayed = data(client.post(f"/tasks/{task['id']}/deliveries/{delivery['id']}/replay", **project()))
    assert replayed["id"] == delivery["id"]
    unknown = client.post(f"/tasks/{task['id']}/deliveries/dlv_aaaaaaaaaaaa/replay", **project())
    assert unknown.json()["error"]["code"] == "not_found"


def test_the_same_request_with_another_address_is_the_same_task(
    client: httpx.Client, project: Project, parts: Services
):
    first = data(client.post("/tasks", json=BODY, **project()))
    complete_task_of(parts, first["id"])
    for address in ("https://example.com/a", "https://example.com/b", "https://example.com/a"):
        again = data(client.post("/tasks", json=BODY | {"webhook_url": address}, **project()))
        assert again["id"] == first["id"]

    deliveries = data(client.get(f"/tasks/{first['id']}/deliveries?order=asc", **project()))
    assert [each["url"] for each in deliveries] == ["https://example.com/a", "https://example.com/b"]


def test_all_events_are_documented_in_the_schema(client: httpx.Client):
    text = client.get("/openapi.json").text
    assert all(event in text for event in EVENT_TYPES)
