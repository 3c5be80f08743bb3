"""Rejected requests: their codes, statuses and messages, with every violation at once."""

from dataclasses import replace

import httpx
import pytest

from penstock.api import create_app
from penstock.api.exception_handlers import QUERY_RULES
from penstock.domain.attempts import QueueLimits, RunsHealth
from penstock.records import Records
from penstock.services import Services
from tests.api.app import BODY, FakeRunService, Project, serving, with_settings

AUDIO = {"url": "https://example.com/a.mp3", "kind": "audio", "format": "mp3"}


def refused(client: httpx.Client, project: Project, **sent: object) -> tuple[int, str]:
    answered = client.post("/tasks", **project(**sent))
    return answered.status_code, answered.json()["error"]["code"]


@pytest.mark.parametrize("path", ["/tasks", "/sources", "/files", "/formats", "/nothing", "/tasks/tsk_a/cancel"])
def test_the_key_is_checked_first(client: httpx.Client, path: str):
    missing = client.get(path)
    unknown = client.get(path, headers={"Authorization": "Bearer nobody's"})

    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "token_missing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (401, "token_invalid")
    assert missing.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "abc"])
def test_another_authorization_is_a_missing_key(client: httpx.Client, header: str):
    assert client.get("/tasks", headers={"Authorization": header}).json()["error"]["code"] == "token_missing"


def test_a_revoked_key_is_invalid(client: httpx.Client, project: Project, parts: Services):
    parts.records.keys.revoke(parts.records.keys.find_caller(project.key).key_id)

    assert client.get("/tasks", **project()).json()["error"]["code"] == "token_invalid"


def test_unknown_paths_and_methods_respond_with_the_envelope(client: httpx.Client, project: Project):
    nowhere, wrong = client.get("/films", **project()), client.put("/tasks", **project())

    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert nowhere.json()["meta"]["project_id"] == project.id


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/files", "GET, HEAD, POST"),
        ("/files/file_aaaaaaaa", "DELETE, GET, HEAD, PATCH"),
        ("/files/file_aaaaaaaa/content", "GET, HEAD, PUT"),
        ("/uploads/file_aaaaaaaa", "DELETE, HEAD, PATCH"),
        ("/tasks/tsk_aaaaaaaa/cancel", "POST"),
        ("/plans", "POST"),
        ("/health", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
def test_the_allow_header_lists_all_methods_of_a_path(client: httpx.Client, project: Project, path: str, methods: str):
    answered = client.request("TRACE", path, **project())

    assert (answered.status_code, answered.headers["allow"]) == (405, methods)


@pytest.mark.parametrize(
    "path", ["/tasks", "/sources", "/files", "/formats", "/health", "/openapi.json", "/docs", "/no"]
)
def test_head_responds_as_get_without_body(client: httpx.Client, project: Project, path: str):
    head, get = client.head(path, **project()), client.get(path, **project())

    assert (head.status_code, head.headers["content-type"]) == (get.status_code, get.headers["content-type"])
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.content == b""


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"3", b"null", b'"text"', b'{"kind":"video","kind":"audio"}', b'{"quality":NaN}',
        b'{"width":Infinity}', b'{"url":"\xff"}', b'{"url":"\\ud800"}', b"[" * 50_000,
        b'{"width":' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_body_that_is_no_valid_json_object_is_rejected(client: httpx.Client, project: Project, body: bytes):
    assert refused(client, project, content=body) == (400, "body_invalid")


def test_a_body_of_another_type_is_refused(client: httpx.Client, project: Project):
    form = project()["headers"] | {"Content-Type": "application/x-www-form-urlencoded"}

    assert client.post("/tasks", content=b"url=a", headers=form).status_code == 415


def test_a_body_without_content_type_is_read_as_json(client: httpx.Client, project: Project):
    assert client.post("/tasks", content=b'{"kind":"video"}', **project()).status_code == 422


def test_a_large_body_is_refused(client: httpx.Client, project: Project):
    assert refused(client, project, json=BODY | {"url": "a" * 70_000}) == (413, "body_invalid")


def test_every_violation_is_reported_at_once(client: httpx.Client, project: Project):
    body = {
        "url": "ftp://example.com/a",
        "kind": "video",
        "format": "mp3",
        "width": "640",
        "quality": 2,
        "colour": "red",
    }
    answered = client.post("/tasks", json=body, **project())
    error = answered.json()["error"]

    assert answered.status_code == 422
    assert {(one["field"], one["code"]) for one in error["violations"]} == {
        ("url", "url_forbidden"),
        ("format", "format_unsupported"),
        ("width", "field_invalid"),
        ("quality", "field_invalid"),
        ("colour", "field_unknown"),
    }
    assert (error["code"], error["field"]) == (error["violations"][0]["code"], error["violations"][0]["field"])


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"kind": None}, "field_required", "kind"),
        ({"format": None}, "field_required", "format"),
        ({"url": None}, "field_required", "url"),
        ({"file_id": "file_aaaaaaaaaaaaaaaa"}, "input_ambiguous", "url"),
        ({"kind": "film"}, "field_invalid", "kind"),
        ({"format": "mkv"}, "format_unsupported", "format"),
        ({"width": 0}, "field_invalid", "width"),
        ({"height": 1.5}, "field_invalid", "height"),
        ({"width": True}, "field_invalid", "width"),
        ({"at": 3}, "field_invalid", "at"),
        ({"start": 5, "end": 5}, "field_invalid", "end"),
        ({"size": 3}, "field_unknown", "size"),
        ({"webhook_url": "http://10.0.0.1/"}, "url_forbidden", "webhook_url"),
    ],
)
def test_the_error_names_the_wrong_field(client: httpx.Client, project: Project, change: dict, code: str, field: str):
    error = client.post("/tasks", json=BODY | change, **project()).json()["error"]

    assert (error["code"], error["field"]) == (code, field)
    assert [(one["field"], one["code"]) for one in error["violations"]] == [(field, code)]


def test_sizes_do_not_apply_to_audio(client: httpx.Client, project: Project):
    assert refused(client, project, json=AUDIO | {"width": 10}) == (422, "field_invalid")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a", "file:///etc/passwd", "http://user:pw@example.com/", "http://127.0.0.1/",
        "http://10.1.2.3/a", "http://169.254.169.254/latest", "http://2130706433/", "http://0x7f.1/", "a",
        "javascript:1", "http://[::1]/", "http://100.64.0.1/", "http://[::ffff:127.0.0.1]/", "http://example.com:22/",
    ],
)  # fmt: skip
def test_private_urls_are_rejected(client: httpx.Client, project: Project, url: str):
    assert refused(client, project, json=BODY | {"url": url}) == (422, "url_forbidden")


def test_a_private_address_may_be_allowed(parts: Services, runs: FakeRunService, project: Project):
    with serving(with_settings(parts, fetch_allow="10.1.0.0/16"), runs) as client:
        assert client.post("/tasks", json=BODY | {"url": "http://10.1.2.3/a"}, **project()).status_code == 200


def test_too_many_requests_get_a_retry_after(parts: Services, runs: FakeRunService, project: Project):
    with serving(with_settings(parts, requests_per_minute=6), runs) as client:
        answers = [client.post("/tasks", json=BODY, **project()) for _ in range(3)]
        reading = client.get("/tasks", **project())

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["code"] == "rate_limited"
    assert answers[2].json()["error"]["retryable"] is True
    assert 1 <= int(answers[2].headers["retry-after"]) <= 10
    assert reading.status_code == 200


def test_too_many_reads_get_a_retry_after(parts: Services, runs: FakeRunService, project: Project):
    with serving(with_settings(parts, reads_per_minute=6), runs) as client:
        codes = [client.get("/formats", **project()).status_code for _ in range(3)]

    assert codes == [200, 200, 429]


def test_a_full_queue_rejects_only_new_tasks(parts: Services, runs: FakeRunService, project: Project):
    with serving(with_settings(parts, queue_per_project=1), runs) as client:
        first = client.post("/tasks", json=BODY, **project())
        full = client.post("/tasks", json=BODY | {"width": 2}, **project())
        again = client.post("/tasks", json=BODY, **project())

    assert (full.status_code, full.json()["error"]["code"]) == (429, "queue_full")
    assert "retry-after" in full.headers
    assert again.json()["data"] == first.json()["data"]


def test_an_unreachable_database_is_a_503_with_retry_after(parts: Services, runs: FakeRunService):
    with serving(away(parts), runs) as client:
        answered = client.post("/tasks", json=BODY, headers={"Authorization": "Bearer key"})
        health = client.get("/health")

    assert (answered.status_code, answered.json()["error"]["code"]) == (503, "database_unavailable")
    assert "retry-after" in answered.headers
    assert health.status_code == 503


def test_an_unexpected_error_reveals_nothing(parts: Services, project: Project):
    class Broken(FakeRunService):
        async def health(self) -> RunsHealth:
            raise RuntimeError("/secret/path")

    with serving(parts, Broken()) as client:
        answered = client.get("/health")

    assert (answered.status_code, answered.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answered.text


def test_the_limits_of_the_queue_are_the_settings(parts: Services):
    assert QueueLimits() == parts.queue_limits


def away(parts: Services) -> Services:
    return replace(parts, records=Records("postgresql://nobody@127.0.0.1:1/nothing"))


SENTENCES = [
    (b'{"quality": NaN}', "NaN is not a JSON number; send a finite number."),
    (b'{"kind": "video", "kind": "audio"}', "The body has the field 'kind' more than once; send it once."),
    (b'{"kind": }', "The body is not valid JSON: see line 1, column 10."),
    (b"\xff", "The body is not valid UTF-8."),
    (b"[]", "The body must be a JSON object."),
    (b'{"url": "https://a.com/b", "kind": "video", "format": "mp3"}',
     "mp3 is not a format of kind video; use mp4, webm, mov, avi."),
    (b'{"url": "https://a.com/b", "kind": "audio", "format": "mp3", "width": 3}',
     "width does not apply to mp3; remove it."),
    (b'{"url": "https://a.com/b", "kind": "video", "format": "mp4", "widht": 3}',
     "widht is not a field of this request; did you mean width?"),
    (b'{"url": "https://a.com/b", "kind": "video", "format": "mp4", "start": 5, "end": 4}',
     "end (4 s) must be after start (5 s)."),
    (b'{"url": "https://a.com/b", "kind": "video", "format": "mp4", "width": "640"}',
     "width must be a whole number of pixels from 1 to 2,147,483,647."),
]  # fmt: skip


@pytest.mark.parametrize(("body", "sentence"), SENTENCES)
def test_a_message_says_what_is_wrong_and_what_to_do(
    client: httpx.Client, project: Project, body: bytes, sentence: str
):
    assert client.post("/tasks", content=body, **project()).json()["error"]["message"] == sentence


CHOICES = {
    "order": "must be desc or asc",
    "kind": "must be video, audio or image",
    "status": "must be processing, completed, failed or cancelled",
}
PATHS = {"wait": "/tasks/tsk_aaaaaaaaaaaa", "code": "/batches/bat_aaaaaaaaaaaa/items"}


@pytest.mark.parametrize("name", [*QUERY_RULES, *CHOICES])
@pytest.mark.parametrize("value", ["X" * 20, "-1", "%00", "9" * 5000])
def test_an_invalid_parameter_has_our_message(client: httpx.Client, project: Project, name: str, value: str):
    error = client.get(f"{PATHS.get(name, '/tasks')}?{name}={value}", **project()).json()["error"]

    assert (error["message"], error["code"]) in [
        (f"{name} {(QUERY_RULES | CHOICES)[name]}.", "field_invalid"),
        ("There is no such task.", "task_not_found"),
    ]


def test_every_query_parameter_has_a_message(parts: Services):
    paths = create_app(parts, FakeRunService()).openapi()["paths"].values()
    found = {
        parameter["name"]
        for methods in paths
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and parameter["schema"] != {"type": "string"}
    }

    assert found - {"expires", "signature", "name", "project", "max_bytes"} == {*QUERY_RULES, *CHOICES}
