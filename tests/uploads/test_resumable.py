"""Resumable uploads by the tus protocol: what has come stays, and becomes one File."""

import asyncio
import base64
import fcntl
import io
import os
import shutil
import socket
import subprocess
import time
import wave
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiotus
import httpx
import pytest

from penstock.services import Services
from penstock.uploads.resumable import unfinished_uploads
from tests.api.app import FakeRunService, Project, serving, with_settings
from tests.api.test_files import kept_bytes, picture, with_limits
from tests.service import wait_for

TUS = {"Tus-Resumable": "1.0.0"}
OFFSET = TUS | {"Content-Type": "application/offset+octet-stream"}
CONTENT = picture()


def keyed(project: Project, headers: dict[str, str]) -> dict[str, str]:
    return project()["headers"] | headers


def begun(client: httpx.Client, project: Project, content: bytes = CONTENT, name: str = "a.png") -> str:
    told = {
        "Upload-Length": str(len(content)),
        "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
    }
    answered = client.post("/uploads", headers=keyed(project, TUS | told))
    assert (answered.status_code, answered.headers["upload-offset"]) == (201, "0"), answered.text
    return answered.headers["location"]


def sent(client: httpx.Client, project: Project, url: str, offset: int, content: bytes) -> httpx.Response:
    return client.patch(url, content=content, headers=keyed(project, OFFSET | {"Upload-Offset": str(offset)}))


def offset_of(client: httpx.Client, project: Project, url: str) -> int:
    answered = client.head(url, headers=keyed(project, TUS))
    assert (answered.status_code, answered.headers["cache-control"]) == (200, "no-store")
    return int(answered.headers["upload-offset"])


def error_of(answered: httpx.Response) -> tuple[int, str]:
    assert answered.headers["tus-resumable"] == "1.0.0"
    return answered.status_code, answered.json()["error"]["code"]


def file_of(client: httpx.Client, project: Project, url: str) -> httpx.Response:
    return client.get(f"/files/{url.rpartition('/')[2]}", **project())


def left(parts: Services, project: Project) -> list[str]:
    own = parts.settings.unfinished / project.id
    return sorted(folder.name for folder in own.iterdir()) if own.is_dir() else []


def test_a_client_of_the_protocol_uploads_a_file(client: httpx.Client, project: Project, parts: Services):
    async def upload() -> str:
        metadata = {"filename": "Über uns.png".encode(), "filetype": b"image/png"}
        url = await aiotus.upload(
            f"{client.base_url}/uploads", io.BytesIO(CONTENT), metadata, headers=project()["headers"], chunksize=100
        )
        return str(url)

    url = asyncio.run(upload())
    file = file_of(client, project, url).json()["data"]
    assert (file["name"], file["format"], file["filesize"]) == ("Über uns.png", "png", len(CONTENT))
    assert client.get(file["url"]).content == CONTENT
    assert (offset_of(client, project, url), left(parts, project)) == (len(CONTENT), [])


def long_tone() -> bytes:
    """Two megabytes of sound."""
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound.writeframes(bytes(range(200)) * 10_000)
    return made.getvalue()


def test_an_upload_that_broke_off_goes_on_in_another_api(parts: Services, runs: FakeRunService, project: Project):
    content = long_tone()
    with serving(parts, runs) as client:
        url = begun(client, project, content, "long.wav")
        told = keyed(project, OFFSET | {"Upload-Offset": "0", "Content-Length": str(len(content)), "Host": "x"})
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        with socket.create_connection((client.base_url.host, client.base_url.port)) as caller:
            line = f"PATCH /uploads/{url.rpartition('/')[2]} HTTP/1.1\r\n"
            caller.sendall((line + head + "\r\n").encode() + content[:1_500_000])
            wait_for(lambda: offset_of(client, project, url) > 0)
    with serving(parts, runs) as client:
        url = f"{client.base_url}/uploads/{url.rpartition('/')[2]}"
        offset = offset_of(client, project, url)
        done = sent(client, project, url, offset, content[offset:])
        file = file_of(client, project, url).json()["data"]
        assert (0 < offset <= 1_500_000, done.status_code) == (True, 204)
        assert (done.headers["upload-offset"], file["name"]) == (str(len(content)), "long.wav")
        assert client.get(file["url"]).content == content


def test_an_upload_whose_api_died_before_it_was_stored_is_stored_when_it_is_asked_for(
    client: httpx.Client, project: Project, parts: Services
):
    url = begun(client, project)
    found = unfinished_uploads(parts.settings).get(project.id, url.rpartition("/")[2])
    found.part.write_bytes(CONTENT)

    assert offset_of(client, project, url) == len(CONTENT)
    assert file_of(client, project, url).json()["data"]["format"] == "png"
    assert left(parts, project) == []


def test_a_wrong_offset_changes_nothing(client: httpx.Client, project: Project):
    url = begun(client, project)
    sent(client, project, url, 0, CONTENT[:50])

    for offset in (0, 49, 51):
        assert error_of(sent(client, project, url, offset, b"x")) == (409, "file_in_use")
    assert offset_of(client, project, url) == 50


def test_of_two_writers_one_is_refused(client: httpx.Client, project: Project, parts: Services):
    url = begun(client, project)
    with unfinished_uploads(parts.settings).writing(project.id, url.rpartition("/")[2]):
        assert error_of(sent(client, project, url, 0, CONTENT)) == (409, "file_in_use")
    assert sent(client, project, url, 0, CONTENT).status_code == 204


def test_what_is_no_media_is_refused_at_its_end_and_deleted(client: httpx.Client, project: Project, parts: Services):
    url, before = begun(client, project, b"no media"), kept_bytes(parts)

    assert error_of(sent(client, project, url, 0, b"no media")) == (422, "input_unreadable")
    assert (left(parts, project), kept_bytes(parts)) == ([], before)
    assert client.head(url, headers=keyed(project, TUS)).status_code == 404


def test_a_deleted_upload_leaves_nothing(client: httpx.Client, project: Project, parts: Services):
    url = begun(client, project)
    sent(client, project, url, 0, CONTENT[:50])

    assert client.delete(url, headers=keyed(project, TUS)).status_code == 204
    assert left(parts, project) == []
    assert error_of(client.delete(url, headers=keyed(project, TUS))) == (404, "file_not_found")


def test_an_expired_upload_is_unknown_and_swept(client: httpx.Client, project: Project, parts: Services):
    uploads, old = unfinished_uploads(parts.settings), time.time() - parts.settings.unfinished_upload_seconds - 5
    expired, written_to, live = (uploads.get(project.id, begun(client, project).rpartition("/")[2]) for _ in range(3))
    broken = expired.folder.with_name(".new-file_broken")
    broken.mkdir()
    for place in (expired.part, written_to.part, broken):
        os.utime(place, (old, old))

    assert client.head(f"/uploads/{expired.id}", headers=keyed(project, TUS)).status_code == 404
    with written_to.part.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)  # as a request that is slow
        uploads.remove_all_expired()
    assert left(parts, project) == sorted([written_to.id, live.id])


def test_uploads_are_limited_in_size_and_number(parts: Services, runs: FakeRunService, project: Project):
    small = {"max_video_input_bytes": 1000, "max_audio_input_bytes": 1000, "max_image_input_bytes": 1000}
    limited = with_settings(with_limits(parts, **small), max_unfinished_uploads=2)
    with serving(limited, runs) as client:
        too_large = client.post("/uploads", headers=keyed(project, TUS | {"Upload-Length": "1001"}))
        url, _other = begun(client, project), begun(client, project)
        too_many = client.post("/uploads", headers=keyed(project, TUS | {"Upload-Length": "10"}))
        too_long = sent(client, project, url, 0, CONTENT + bytes(10))
        support = client.request("OPTIONS", "/uploads", headers=keyed(project, {}))

    assert [error_of(one) for one in (too_large, too_many, too_long)] == [
        (413, "input_too_large"), (429, "queue_full"), (413, "input_too_large"),
    ]  # fmt: skip
    assert support.headers["tus-max-size"] == "1000"


def test_a_full_disk_refuses_an_upload_before_it_begins(
    client: httpx.Client, project: Project, parts: Services, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(100))
    told = {"Upload-Length": str(len(CONTENT))}

    assert error_of(client.post("/uploads", headers=keyed(project, TUS | told)))[1] == "disk_full"
    assert left(parts, project) == []


@contextmanager
def small_disk(parts: Services, project: Project, options: str) -> Iterator[Path]:
    """A disk of their own for the unfinished uploads of a project."""
    own = parts.settings.unfinished / project.id
    own.mkdir(parents=True)
    asked = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", own], check=False, capture_output=True)
    if asked.returncode:
        pytest.skip("only root may mount the small disk that this needs")
    try:
        yield own
    finally:
        subprocess.run(["umount", "--lazy", own], check=True)


def test_an_upload_goes_on_where_a_full_disk_stopped_it(client: httpx.Client, project: Project, parts: Services):
    content = long_tone()
    with small_disk(parts, project, "size=3m") as own:
        url = begun(client, project, content, "long.wav")
        (own / ".new-other").write_bytes(bytes(1_500_000))
        assert error_of(sent(client, project, url, 0, content)) == (503, "disk_full")
        offset = offset_of(client, project, url)
        (own / ".new-other").unlink()
        assert (0 < offset < len(content), sent(client, project, url, offset, content[offset:]).status_code) == (
            True,
            204,
        )
    assert client.get(file_of(client, project, url).json()["data"]["url"]).content == content


def test_a_project_begins_no_more_uploads_than_the_disk_has_room_for(
    client: httpx.Client, project: Project, parts: Services
):
    told = keyed(project, TUS | {"Upload-Length": str(700_000)})
    with small_disk(parts, project, "size=1m"):
        first, second = (client.post("/uploads", headers=told) for _ in range(2))
        client.delete(first.headers["location"], headers=keyed(project, TUS))
        third = client.post("/uploads", headers=told)

    assert (first.status_code, error_of(second), third.status_code) == (201, (503, "disk_full"), 201)


def test_a_beginning_that_fails_leaves_nothing(client: httpx.Client, project: Project, parts: Services):
    with small_disk(parts, project, "size=1m,nr_inodes=3"):
        refused = client.post("/uploads", headers=keyed(project, TUS | {"Upload-Length": "10"}))
        assert (error_of(refused)[1], left(parts, project)) == ("disk_full", [])


def test_who_asks_while_an_upload_becomes_a_file_is_told_to_ask_again(
    client: httpx.Client, project: Project, parts: Services
):
    url = begun(client, project)
    with unfinished_uploads(parts.settings).writing(project.id, url.rpartition("/")[2]) as (_found, part):
        part.write(CONTENT)
        asked = client.head(url, headers=keyed(project, TUS))  # any other error has tus-js-client begin from the start

    assert (asked.status_code, asked.headers["retry-after"]) == (423, "1")
    assert offset_of(client, project, url) == len(CONTENT)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "10"}, 412),
        (TUS | {"Upload-Length": "-1"}, 422),
        (TUS | {"Upload-Length": "0"}, 422),
        (TUS | {"Upload-Defer-Length": "1"}, 422),
        (TUS | {"Upload-Length": "10", "Upload-Metadata": "filename ###"}, 422),
        (TUS | {"Upload-Length": "10", "Upload-Metadata": "x" * 5000}, 422),
    ],
)
def test_a_wrong_beginning_is_refused(client: httpx.Client, project: Project, headers: dict, status: int):
    assert client.post("/uploads", headers=keyed(project, headers)).status_code == status


def test_the_upload_of_another_project_is_unknown(client: httpx.Client, project: Project, other: Project):
    url = begun(client, project)

    assert client.head(url, headers=keyed(other, TUS)).status_code == 404
    assert error_of(sent(client, other, url, 0, CONTENT)) == (404, "file_not_found")
    assert error_of(client.delete(url, headers=keyed(other, TUS))) == (404, "file_not_found")
    assert offset_of(client, project, url) == 0
