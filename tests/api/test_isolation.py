"""A project sees only its own: ids of another respond exactly like unknown ones."""

import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import Route

from penstock.api import ROUTERS, create_app
from penstock.domain.ids import new_batch_id, new_file_id, new_task_id
from penstock.services import Services
from tests.api.app import BODY, FakeRunService, Project, complete_task_of, store_upload
from tests.api.batches import PICTURE

# Every route that names a thing, and what it names.
NAMING = {
    ("GET", "/tasks/{task_id}"): "task",
    ("POST", "/tasks/{task_id}/cancel"): "task",
    ("GET", "/tasks/{task_id}/receipt"): "task",
    ("GET", "/files/{file_id}"): "file",
    ("DELETE", "/files/{file_id}"): "file",
    ("PATCH", "/files/{file_id}"): "file",
    ("HEAD", "/uploads/{file_id}"): "file",
    ("PATCH", "/uploads/{file_id}"): "file",
    ("DELETE", "/uploads/{file_id}"): "file",
    ("PUT", "/files/{file_id}/content"): "file",
    ("GET", "/files/{file_id}/content"): "file",
    ("HEAD", "/files/{file_id}/content"): "file",
    ("GET", "/sources/{file_id}"): "source",
    ("GET", "/batches/{batch_id}"): "batch",
    ("GET", "/batches/{batch_id}/items"): "batch",
    ("GET", "/webhooks/{webhook_id}"): "webhook",
    ("DELETE", "/webhooks/{webhook_id}"): "webhook",
    ("GET", "/tasks/{task_id}/deliveries"): "task",
    ("GET", "/batches/{batch_id}/deliveries"): "batch",
    ("POST", "/tasks/{task_id}/deliveries/{delivery_id}/replay"): "task",
    ("POST", "/batches/{batch_id}/deliveries/{delivery_id}/replay"): "batch",
    **{("POST", f"/batches/{{batch_id}}/{action}"): "batch" for action in ("cancel", "pause", "resume", "rerun")},
}
# Those that name none, and whether they show anything of a project.
NAMELESS = {
    ("POST", "/tasks"), ("GET", "/tasks"), ("POST", "/sources"), ("GET", "/sources"), ("POST", "/files"),
    ("POST", "/plans"), ("GET", "/files"), ("GET", "/formats"), ("GET", "/health"), ("GET", "/metrics"),
    ("GET", "/docs"), ("GET", "/docs/{name}"), ("GET", "/"), ("GET", "/page/{version}/{name}"),
    ("POST", "/batches"), ("GET", "/batches"),
    ("POST", "/webhooks"), ("GET", "/webhooks"), ("POST", "/events/s3"),
    ("POST", "/signatures"), ("POST", "/uploads"), ("OPTIONS", "/uploads"),
}  # fmt: skip
UNKNOWN = {
    "task": new_task_id(), "file": new_file_id(), "source": new_file_id(), "batch": new_batch_id(),
    "webhook": "whk_0123456789abcdef",
}  # fmt: skip


def routes() -> Iterator[tuple[str, str]]:
    for router in ROUTERS:
        for route in router.routes:
            yield from ((method, route.path) for method in route.methods)


def test_every_route_is_tested_here():
    assert set(routes()) == set(NAMING) | NAMELESS


def test_there_are_no_other_routes(parts: Services):
    plain = [route.path for route in create_app(parts, FakeRunService()).routes if isinstance(route, Route)]

    assert plain == ["/openapi.json"]


@pytest.fixture
def theirs(client: httpx.Client, other: Project, parts: Services) -> dict[str, str]:
    """One of each, of another project."""
    task_id = client.post("/tasks", json=BODY, **other()).json()["data"]["id"]
    return {
        "task": task_id,
        "file": store_upload(parts, other).id,
        "source": complete_task_of(parts, task_id).output.id,
        "batch": client.post("/batches", json={"items": [PICTURE]}, **other()).json()["data"]["id"],
        "webhook": client.post("/webhooks", json={"url": "https://example.com/"}, **other()).json()["data"]["id"],
    }


@pytest.mark.parametrize("route", NAMING)
def test_ids_of_another_project_respond_like_unknown_ones(
    client: httpx.Client, project: Project, theirs: dict[str, str], route: tuple[str, str]
):
    kind = NAMING[route]
    foreign = asked(client, project, route, theirs[kind])
    unknown = asked(client, project, route, UNKNOWN[kind])

    assert foreign.status_code in (401, 404)
    assert neutral(foreign, theirs[kind]) == neutral(unknown, UNKNOWN[kind])


@pytest.mark.parametrize("route", NAMING)
@pytest.mark.parametrize("name", ["%00", "x", "a" * 3000, "tsk_%00aaaaaaaaaaaaaa", "file_'--aaaaaaaa", "%FF"])
def test_invalid_ids_respond_like_unknown_ones(
    client: httpx.Client, project: Project, route: tuple[str, str], name: str
):
    assert asked(client, project, route, name).status_code in (401, 404)


@pytest.mark.parametrize("path", ["/tasks", "/files", "/sources", "/batches", "/webhooks"])
def test_a_list_shows_nothing_of_another_project(
    client: httpx.Client, project: Project, theirs: dict[str, str], path: str
):
    told = client.get(path, **project()).json()

    assert (told["data"], told["meta"]["total"]) == ([], 0)


def test_the_file_of_another_project_is_not_accepted(client: httpx.Client, project: Project, theirs: dict[str, str]):
    answers = [
        client.post("/tasks", json={"file_id": name, "kind": "video", "format": "mp4"}, **project())
        for name in (theirs["file"], UNKNOWN["file"])
    ]

    assert neutral(answers[0], theirs["file"]) == neutral(answers[1], UNKNOWN["file"])
    assert answers[0].status_code == 404


def asked(client: httpx.Client, project: Project, route: tuple[str, str], name: str) -> httpx.Response:
    method, path = route
    sent = project(json={"name": "a.mp4"}) if method == "PATCH" else project()
    if path.startswith("/uploads"):
        tus = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        sent["headers"] = sent["headers"] | tus
    return client.request(method, re.sub(r"\{\w+\}", name, path), **sent)


def neutral(answered: httpx.Response, name: str) -> str:
    """The answer but for the ids of the request and of what was asked for."""
    return re.sub(r"req_[a-z0-9]+", "req", answered.text.replace(name, "id")) + str(answered.status_code)
