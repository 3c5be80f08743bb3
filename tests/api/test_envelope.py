"""Every response has the contract's envelope, field by field."""

import re

import httpx

from penstock.services import Services
from tests.api.app import BODY, FakeRunService, Project, complete_task_of, serving, with_settings


def base(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_the_envelope_has_exactly_these_fields(client: httpx.Client, project: Project):
    answered = client.post("/tasks", json=BODY, **project())
    told = answered.json()
    meta, data = told["meta"], told["data"]

    assert answered.status_code == 200
    assert list(told) == ["meta", "data", "links"]
    assert list(meta.items())[1:] == [
        ("org_id", project.records.keys.find_caller(project.key).org_id),
        ("project_id", project.id),
        ("method", "POST"),
        ("host", base(client)),
        ("path", "/tasks"),
        ("version", "2024-08-21"),
        ("status", 200),
        ("type", "object"),
    ]
    assert list(told["links"].items()) == [
        ("self", base(client) + f"/tasks/{data['id']}"),
        ("parent", base(client) + "/tasks"),
    ]
    assert re.fullmatch(r"req_[a-z0-9]{16,}", meta["id"])
    assert answered.headers["X-Request-ID"] == meta["id"]


def test_a_new_task_has_exactly_these_fields(client: httpx.Client, project: Project):
    data = client.post("/tasks", json=BODY, **project()).json()["data"]

    assert list(data.items()) == [
        ("id", data["id"]),
        ("object", "task"),
        ("input", "https://example.com/a.mp4"),
        ("kind", "video"),
        ("format", "mp4"),
        ("status", "processing"),
        ("created", data["created"]),
        ("updated", data["created"]),
        ("width", None),
        ("height", None),
        ("fit", "contain"),
        ("quality", 0.8),
        ("state", "queued"),
        ("progress", 0),
        ("attempt", 1),
        ("error", None),
        ("output", None),
        ("plan", None),
        ("run", None),
        ("batch", None),
    ]
    assert re.fullmatch(r"tsk_[a-z0-9]{16,}", data["id"])
    assert TIME.fullmatch(data["created"])


def test_sources_respond_like_tasks_except_the_path(client: httpx.Client, project: Project):
    task = client.post("/tasks", json=BODY, **project()).json()
    source = client.post("/sources", json=BODY, **project()).json()

    assert source["meta"]["path"] == "/sources"
    assert (source["data"], source["links"]) == (task["data"], task["links"])


def test_a_completed_task_shows_its_file_and_run(client: httpx.Client, project: Project, parts: Services):
    task_id = client.post("/tasks", json=BODY, **project()).json()["data"]["id"]
    output = complete_task_of(parts, task_id).output
    data = client.post("/tasks", json=BODY, **project()).json()["data"]
    file = data["output"]

    assert (data["status"], data["state"], data["progress"]) == ("completed", "completed", 100)
    assert data["run"] == {"id": "run-1", "url": "http://prefect/runs/run-1"}
    assert list(file.items()) == [
        ("id", output.id),
        ("object", "source"),
        ("name", None),
        ("kind", "video"),
        ("format", "mp4"),
        ("type", "video/mp4"),
        ("codecs", "h264,aac"),
        ("width", 640),
        ("height", 360),
        ("duration", 1.5),
        ("fps", 25.0),
        ("frames", 37),
        ("bitrate", 53),
        ("filesize", 10),
        ("sha256", output.facts.sha256),
        ("url", file["url"]),
        ("task", task_id),
        ("status", "ready"),
        ("error", None),
        ("metadata", None),
        ("created", file["created"]),
        ("updated", file["created"]),
    ]
    assert file["url"].startswith(base(client) + f"/files/{output.id}/content?expires=")


def test_an_error_has_exactly_these_fields(client: httpx.Client, project: Project):
    told = client.get("/tasks/tsk_aaaaaaaaaaaaaaaaaaaaaaaa", **project()).json()

    assert list(told) == ["meta", "data", "error", "links"]
    assert (told["meta"]["status"], told["meta"]["type"], told["data"]) == (404, "error", None)
    assert list(told["error"].items()) == [
        ("code", "task_not_found"),
        ("message", "There is no such task."),
        ("field", None),
        ("step", None),
        ("retryable", False),
    ]


def test_the_ids_of_an_unknown_caller_are_null(client: httpx.Client):
    meta = client.get("/tasks").json()["meta"]

    assert (meta["org_id"], meta["project_id"], meta["status"]) == (None, None, 401)


def test_audio_has_no_fit(client: httpx.Client, project: Project):
    data = client.post("/tasks", json=BODY | {"kind": "audio", "format": "mp3"}, **project()).json()["data"]

    assert (data["fit"], data["width"], data["quality"]) == (None, None, 0.8)


def test_links_start_with_the_public_url_where_one_is_set(parts: Services, runs: FakeRunService, project: Project):
    with serving(with_settings(parts, public_url="https://media.example/"), runs) as client:
        told = client.post("/tasks", json=BODY, **project()).json()

    assert told["meta"]["host"] == "https://media.example"
    assert told["links"]["parent"] == "https://media.example/tasks"


def test_a_host_that_is_not_allowed_is_not_in_links(parts: Services, runs: FakeRunService, project: Project):
    allowing = with_settings(parts, allowed_hosts="media.lan, other.lan:99")
    headers = project()["headers"]
    with serving(allowing, runs) as client:
        hosts = {
            host: client.get("/tasks", headers=headers | {"Host": host}).json()["meta"]["host"]
            for host in ("evil.example", "media.lan", "media.lan:81", "other.lan:99")
        }

    assert hosts == {
        "evil.example": base(client),
        "media.lan": "http://media.lan",
        "media.lan:81": "http://media.lan:81",
        "other.lan:99": "http://other.lan:99",
    }


def test_the_version_that_a_client_wants_is_answered_or_refused(client: httpx.Client, project: Project):
    for name in ("Accept-Version", "ACCEPT_VERSION"):
        same, later = (
            client.get("/tasks", headers={**project()["headers"], name: version})
            for version in ("2024-08-21", "2025-12-01")
        )
        error = later.json()["error"]

        assert same.status_code == 200
        assert (later.status_code, error["code"], error["field"]) == (422, "field_invalid", "Accept-Version")
        assert "2024-08-21" in error["message"]
