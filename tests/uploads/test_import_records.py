"""`POST /files` with an address, and `PATCH /files/{id}`: what the API and the records promise, without a worker."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

import httpx
import psycopg
import pytest

from penstock.domain import errors
from penstock.domain.batch.batch import PendingRun
from penstock.domain.ids import FileId, new_file_id
from penstock.domain.task import FileFacts, TaskError
from penstock.orchestration.run.import_run import open_import
from penstock.records.incoming.imports import ImportLease
from penstock.services import Services
from penstock.settings import Settings
from tests.api.app import FakeRunService, Project, new_project, serving, store_upload, with_settings

URL = "https://example.com/in/film.mov?token=1"


def imported(client: httpx.Client, project: Project, **fields: object) -> dict:
    return client.post("/files", json={"url": URL, **fields}, **project()).json()["data"]


def begun(parts: Services, file_id: str, attempt: int = 1, owner: str = "owner") -> ImportLease:
    lease = ImportLease(FileId(file_id), attempt, owner)
    parts.records.imports.begin(lease, f"run-{attempt}")
    return lease


def complete(parts: Services, lease: ImportLease):
    file = parts.records.imports.begin(lease, "run").file
    facts = FileFacts("video", "mov", "video/quicktime", filesize=10, sha256="0" * 64)
    return parts.records.imports.complete(lease, replace(file, key=f"{file.project_id}/{new_file_id()}", facts=facts))


def claimed(parts: Services, per_project: int | None = None) -> list[PendingRun]:
    """All runs that are due."""
    return list(chain.from_iterable(iter(lambda: parts.records.unfinished_runs.claim_due(1000, per_project), [])))


def pending(parts: Services, file_id: str) -> list[PendingRun]:
    return [each for each in claimed(parts) if each.id == file_id]


def test_an_import_is_a_file_at_once_and_its_run_is_named_after_it(
    client: httpx.Client, project: Project, parts: Services
):
    file = imported(client, project, metadata={"shelf": [7, None]})
    [run] = pending(parts, file["id"])

    assert (file["object"], file["status"], file["name"], file["metadata"]) == (
        "file", "processing", "film.mov", {"shelf": [7, None]},
    )  # fmt: skip
    assert {file[fact] for fact in ("kind", "format", "type", "filesize", "sha256", "url", "error")} == {None}
    assert (run.object, run.attempt, run.name) == ("import", 1, f"film.mov · {file['id']}")
    assert client.get(f"/files/{file['id']}", **project()).json()["data"] == file
    [listed] = client.get("/files", params={"status": "processing"}, **project()).json()["data"]
    assert listed == file
    assert client.get("/files", params={"status": "completed"}, **project()).json()["data"] == []


def test_equal_imports_at_the_same_time_are_one_file(client: httpx.Client, project: Project, other: Project):
    with ThreadPoolExecutor(16) as callers:
        ids = {file["id"] for file in callers.map(lambda _: imported(client, project), range(48))}

    assert len(ids) == 1
    assert imported(client, other)["id"] not in ids
    assert imported(client, project, name="another.mov")["id"] not in ids


def test_what_is_not_ready_cannot_be_read_or_converted(client: httpx.Client, project: Project, parts: Services):
    file = imported(client, project)
    wanted = {"file_id": file["id"], "kind": "video", "format": "webm"}
    waiting = client.post("/tasks", json=wanted, **project())
    parts.records.imports.fail(FileId(file["id"]), 1, TaskError("input_timeout", "The origin is too slow."))
    failed = client.post("/plans", json=wanted, **project())

    assert (waiting.status_code, waiting.json()["error"]["code"]) == (409, "file_in_use")
    assert "status is ready" in waiting.json()["error"]["message"]
    assert (failed.status_code, failed.json()["error"]["field"]) == (404, "file_id")
    shown = client.get(f"/files/{file['id']}", **project()).json()["data"]
    assert (shown["status"], shown["error"]["code"], shown["url"]) == ("failed", "input_timeout", None)


def test_a_failed_import_is_tried_again_as_the_same_file(client: httpx.Client, project: Project, parts: Services):
    file = imported(client, project)
    parts.records.imports.fail(FileId(file["id"]), 1, TaskError("input_timeout", "The origin is too slow."))
    again = imported(client, project)

    assert (again["id"], again["status"], again["error"]) == (file["id"], "processing", None)
    assert [run.attempt for run in pending(parts, file["id"])] == [2]
    complete(parts, begun(parts, file["id"], 2))
    assert imported(client, project)["status"] == "ready"


def test_a_run_that_was_replaced_changes_nothing(client: httpx.Client, project: Project, parts: Services):
    file = imported(client, project)
    late = begun(parts, file["id"])
    parts.records.imports.retry(late.file_id, 1, losses=1)
    done = complete(parts, begun(parts, file["id"], 2, "another"))

    for call in (parts.records.imports.heartbeat, lambda lease: complete(parts, lease)):
        with pytest.raises(errors.Superseded):
            call(late)
    assert not parts.records.imports.fail(late.file_id, 1, TaskError("internal", "x"))
    assert parts.records.files.get(project.id, file["id"]).key == done.key


def test_publishing_may_be_repeated_after_its_reply_was_lost(client: httpx.Client, project: Project, parts: Services):
    lease = begun(parts, imported(client, project)["id"])
    file = parts.records.imports.begin(lease, "run").file
    facts = FileFacts("video", "mov", "video/quicktime", filesize=10, sha256="0" * 64)
    stored = replace(file, key=f"{project.id}/{new_file_id()}", facts=facts)

    assert parts.records.imports.complete(lease, stored) == parts.records.imports.complete(lease, stored)


def test_deleting_an_import_stops_its_run_and_the_next_one_is_another_file(
    client: httpx.Client, project: Project, parts: Services
):
    file = imported(client, project)
    lease = begun(parts, file["id"])
    deleted = client.delete(f"/files/{file['id']}", **project())

    assert deleted.status_code == 200
    assert parts.records.imports.heartbeat(lease) is True
    with pytest.raises(errors.Superseded):
        complete(parts, lease)
    assert imported(client, project)["id"] != file["id"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "url", "field_required"),
        ({"url": "http://127.0.0.1/a.mp4"}, "url", "url_forbidden"),
        ({"url": URL, "name": "/"}, "name", "field_invalid"),
        ({"url": URL, "name": "a", "filename": "b"}, "filename", "field_invalid"),
        ({"url": URL, "metadata": {"x": "y" * 20_000}}, "metadata", "field_invalid"),
        ({"url": URL, "metadata": [1]}, "metadata", "field_invalid"),
        ({"url": URL, "folder": "a"}, "folder", "field_unknown"),
    ],
)
def test_a_wrong_import_is_refused_by_the_field(
    client: httpx.Client, project: Project, body: dict, field: str, code: str
):
    answered = client.post("/files", json=body, **project())

    assert answered.status_code == 422
    assert (answered.json()["error"]["field"], answered.json()["error"]["code"]) == (field, code)
    assert client.get("/files", **project()).json()["data"] == []


def test_a_project_may_have_so_many_unfinished_imports(parts: Services, runs: FakeRunService, project: Project):
    with serving(with_settings(parts, queue_per_project=2), runs) as client:
        answers = [client.post("/files", json={"url": f"{URL}{n}"}, **project()) for n in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["code"] == "queue_full"


def test_a_file_is_renamed_and_its_download_has_the_new_name(
    client: httpx.Client, project: Project, parts: Services, other: Project
):
    path = f"/files/{store_upload(parts, project).id}"
    named = client.patch(path, json={"filename": "in/Our holiday.mp4"}, **project()).json()["data"]
    noted = client.patch(path, json={"metadata": {"a": {"b": None}}}, **project()).json()["data"]

    assert (named["name"], named["metadata"]) == ("Our holiday.mp4", None)
    assert (noted["name"], noted["metadata"]) == ("Our holiday.mp4", {"a": {"b": None}})
    assert client.get(noted["url"]).headers["content-disposition"] == 'inline; filename="Our holiday.mp4"'
    foreign, unknown = other(json={"name": "x"}), project(json={"name": "x"})
    for answered in (client.patch(path, **foreign), client.patch("/files/x", **unknown)):
        assert (answered.status_code, answered.json()["error"]["code"]) == (404, "file_not_found")
    assert client.patch(path, json={}, **project()).json()["error"]["code"] == "field_required"
    assert client.patch(path, json={"name": "\u202e"}, **project()).json()["error"]["field"] == "name"
    assert client.get(path, **project()).json()["data"]["name"] == "Our holiday.mp4"


@pytest.mark.parametrize(
    ("value", "status"),
    [("1e400", 400), ("[" * 31 + "]" * 31, 200), ("[" * 32 + "]" * 32, 422)],
    ids=["infinite", "nested", "nested too deeply"],
)
def test_metadata_is_taken_only_if_it_can_be_answered(
    client: httpx.Client, project: Project, parts: Services, value: str, status: int
):
    body, told = f'{{"metadata": {{"a": {value}}}}}', {"Content-Type": "application/json"}
    path = f"/files/{store_upload(parts, project).id}"
    changed = client.patch(path, content=body, headers=project()["headers"] | told)

    assert (changed.status_code, client.get("/files", **project()).status_code) == (status, 200)


def test_many_waiting_imports_of_a_project_hold_nobody_up(client: httpx.Client, parts: Services, project: Project):
    claimed(parts)  # what other tests have left
    with psycopg.connect(parts.records.url, autocommit=True) as database:
        numbered = "SELECT 'file_many' || lpad(n::text, 8, '0'), %s, {} FROM generate_series(1, 30000) n"
        facts = numbered.format("'file', '', '', '', '', 0, '', 'processing'")
        columns = "id, project_id, object, key, kind, format, type, filesize, sha256, status"
        database.execute(f"INSERT INTO files ({columns}) {facts}", [project.id])
        database.execute(f"INSERT INTO imports (id, project_id, url) {numbered.format(chr(39) * 2)}", [project.id])
        try:
            runs = parts.records.unfinished_runs.claim_due(8)
            for run in runs:
                parts.records.unfinished_runs.record_run(run, f"run of {run.id}")
            assert parts.records.unfinished_runs.claim_due(8) == []
            another = new_project(parts)
            file = imported(client, another)

            assert [run.project_id for run in runs] == [project.id] * 2
            assert [run.id for run in parts.records.unfinished_runs.claim_due(8)] == [file["id"]]
        finally:
            database.execute("UPDATE imports SET status = 'ended' WHERE project_id = %s", [project.id])


def test_imports_count_for_how_many_runs_a_project_may_have(client: httpx.Client, project: Project, parts: Services):
    files = [imported(client, project, name=f"{n}.mov") for n in range(2)]
    for run in claimed(parts):
        parts.records.unfinished_runs.record_run(run, f"run of {run.id}")
    for file in files:
        begun(parts, file["id"])
    third = imported(client, project, name="3.mov")

    assert third["id"] not in [run.id for run in claimed(parts, per_project=2)]
    assert len(pending(parts, third["id"])) == 1


def test_an_import_without_a_place_for_its_bytes_fails_with_the_reason(
    client: httpx.Client, project: Project, parts: Services, tmp_path: Path
):
    file = imported(client, project)
    (tmp_path / "scratch").touch()
    full = replace(parts, settings=Settings(home=tmp_path))
    with pytest.raises(errors.DiskFull), open_import(FileId(file["id"]), 1, full):
        pass

    shown = client.get(f"/files/{file['id']}", **project()).json()["data"]
    assert (shown["status"], shown["error"]["code"]) == ("failed", "disk_full")


def test_a_run_ends_no_import_that_another_one_has_taken(client: httpx.Client, project: Project, parts: Services):
    lease = begun(parts, imported(client, project)["id"], owner="another")

    assert not parts.records.imports.fail(lease.file_id, 1, TaskError("internal", "x"), owner="late")
    assert parts.records.imports.heartbeat(lease) is False
