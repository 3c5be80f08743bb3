"""Manifests: CSV and JSON lines that name the inputs of a batch; and other files that are no input of a conversion."""

import io
from dataclasses import replace

import httpx
import pytest

from penstock.domain.ids import new_file_id
from penstock.domain.task import File, FileFacts
from penstock.services import Services
from penstock.views.tasks import content_path
from tests.api.app import NEVER, FakeRunService, Project, serving, with_settings
from tests.api.batches import json_lines, store_manifest

CSV = b"input,format\nhttps://example.com/a.mov,mp4\n"
JSONL = json_lines([{"input": "https://example.com/a.mov", "format": "mp4"}])


@pytest.mark.parametrize(
    ("declared", "content", "written"),
    [
        ("text/csv", CSV, ("csv", "text/csv")),
        ("text/csv; charset=utf-8", CSV, ("csv", "text/csv")),
        ("application/jsonl", JSONL, ("jsonl", "application/jsonl")),
        ("application/x-ndjson", JSONL, ("jsonl", "application/jsonl")),
        ("text/csv", JSONL, ("jsonl", "application/jsonl")),
    ],
)
def test_a_raw_body_is_a_manifest_by_its_type(
    client: httpx.Client, project: Project, declared: str, content: bytes, written: tuple[str, str]
):
    headers = {"Authorization": f"Bearer {project.key}", "Content-Type": declared}
    data = client.post("/files", content=content, headers=headers).json()["data"]

    assert (data["object"], data["kind"], data["format"], data["type"]) == ("file", "manifest", *written)
    assert (data["filesize"], data["width"], data["codecs"]) == (len(content), None, None)
    assert client.get(data["url"]).content == content


@pytest.mark.parametrize(
    "part", [("photos.CSV", CSV, "application/vnd.ms-excel"), ("photos.jsonl", JSONL), ("photos", CSV, "text/csv")]
)
def test_a_form_field_is_a_manifest_by_its_name_or_type(client: httpx.Client, project: Project, part: tuple):
    assert client.post("/files", files={"file": part}, **project()).json()["data"]["kind"] == "manifest"


def test_other_fields_of_the_form_do_not_make_a_manifest(client: httpx.Client, project: Project):
    fields = {"notes": ("notes.csv", b"x", "text/csv"), "file": ("film.mov", CSV)}

    assert client.post("/files", files=fields, **project()).json()["error"]["code"] == "input_unreadable"


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"", "field_invalid", "manifest"),
        (b"format,width\nwebp,1\n", "field_required", "input"),
        (b"input,hight\na,1\n", "field_unknown", "hight"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "field_invalid", "manifest"),
        (b'[{"input": "a"}]', "field_invalid", "manifest"),
        (b"input\n" + b"https://e.com/a\n" * 100_001, "field_invalid", "manifest"),
    ],
)
def test_a_file_that_is_no_manifest_is_rejected(
    client: httpx.Client, project: Project, content: bytes, code: str, field: str
):
    error = client.post("/files", files={"file": ("lines.csv", content)}, **project()).json()["error"]

    assert (error["code"], error["field"]) == (code, field)


def test_a_wrong_line_is_left_to_the_batch(client: httpx.Client, project: Project):
    content = b'{"input": "https://example.com/a"}\n{"input": 5}\nnothing\n'

    assert client.post("/files", files={"file": ("lines.jsonl", content)}, **project()).status_code == 200


def test_a_hundred_thousand_lines_are_streamed(client: httpx.Client, project: Project):
    lines = (b"https://example.com/photos/%d.jpg,webp\n" % number for number in range(100_000))
    content = io.BytesIO(b"input,format\n" + b"".join(lines))

    assert client.post("/files", files={"file": ("lines.csv", content)}, **project()).status_code == 200


def test_a_manifest_has_a_limit_of_its_own(parts: Services, project: Project):
    with serving(with_settings(parts, max_manifest_bytes=10), FakeRunService()) as client:
        answered = client.post("/files", files={"file": ("lines.csv", CSV)}, **project())

    assert (answered.status_code, answered.json()["error"]["code"]) == (413, "input_too_large")


@pytest.mark.parametrize("path", ["/tasks", "/sources", "/plans"])
def test_a_manifest_is_no_input_of_a_conversion(client: httpx.Client, project: Project, parts: Services, path: str):
    body = {"file_id": store_manifest(parts, project, CSV), "kind": "image", "format": "webp"}
    error = client.post(path, json=body, **project()).json()["error"]

    assert (error["code"], error["field"]) == ("kind_incompatible", "file_id")
    assert "POST /batches" in error["message"]


@pytest.fixture
def elsewhere(parts: Services, project: Project) -> File:
    """An output that a batch wrote to its destination."""
    facts = FileFacts("image", "webp", "image/webp", 10, "ab", width=2, height=2)
    file = File(new_file_id(), project.id, "source", facts, "", None, NEVER, NEVER)
    return parts.records.files.add(replace(file, location="file:///photos/a.webp", location_version="1"))


def test_an_output_at_a_destination_has_no_link(client: httpx.Client, project: Project, elsewhere: File):
    shown = client.get(f"/files/{elsewhere.id}", **project()).json()["data"]

    assert (shown["url"], shown["format"]) == (None, "webp")
    assert "/photos" not in str(shown)


@pytest.mark.parametrize("path", ["/tasks", "/plans"])
def test_an_output_at_a_destination_is_no_input(client: httpx.Client, project: Project, elsewhere: File, path: str):
    answered = client.post(path, json={"file_id": elsewhere.id, "kind": "image", "format": "png"}, **project())

    assert (answered.status_code, answered.json()["error"]["code"]) == (404, "file_not_found")
    assert "destination" in answered.json()["error"]["message"]


@pytest.mark.parametrize("links", ["api", "redirect"])
def test_a_link_to_an_output_at_a_destination_finds_nothing(
    parts: Services, project: Project, elsewhere: File, links: str
):
    secret = parts.records.keys.find_caller(project.key).secret
    with serving(with_settings(parts, links=links), FakeRunService()) as client:
        answered = client.get(content_path(elsewhere.id, secret, 99_999_999_999))

    assert (answered.status_code, answered.json()["error"]["code"]) == (404, "file_not_found")


def test_deleting_an_output_at_a_destination_deletes_its_record_alone(
    client: httpx.Client, project: Project, parts: Services, elsewhere: File
):
    assert client.delete(f"/files/{elsewhere.id}", **project()).status_code == 200
    assert client.get(f"/files/{elsewhere.id}", **project()).status_code == 404
    assert elsewhere.id not in {file.id for file in parts.records.files.list_unpurged(1000)}
