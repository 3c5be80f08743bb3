"""`POST /signatures`: a link does one thing with one file, until it expires."""

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from penstock.services import Services
from penstock.views.upload_links import UploadGrant
from tests.api.app import FakeRunService, Project, serving, store_upload, with_settings
from tests.api.test_files import kept_bytes, picture
from tests.service import wait_for

PAGE = {"Origin": "https://shop.example.com"}


def signed(client: httpx.Client, project: Project, **body: object) -> dict:
    answered = client.post("/signatures", json=body, **project())
    assert answered.status_code == 200, answered.text
    return answered.json()["data"]


def error_of(answered: httpx.Response) -> tuple[int, str]:
    return answered.status_code, answered.json()["error"]["code"]


def changed(url: str, **parameters: object) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | parameters)).geturl()


def test_an_upload_link_takes_one_file_without_a_key(client: httpx.Client, project: Project):
    link = signed(client, project, method="put", filename="in/Über uns.png", max_bytes=10_000)
    sent = client.put(link["url"], content=picture(), headers={"Content-Type": "image/png"})
    file = sent.json()["data"]

    assert (sent.status_code, file["id"], file["name"], file["format"], file["url"]) == (
        200, link["file_id"], "Über uns.png", "png", None,
    )  # fmt: skip
    assert (link["method"], link["filename"], link["max_bytes"]) == ("put", "Über uns.png", 10_000)
    assert abs(link["expiry"] - time.time() - 3600) < 60
    assert link["url"].startswith(link["domain"] + "/files/")
    assert link["url"].endswith(link["signature"])
    owned = client.get(f"/files/{file['id']}", **project()).json()["data"]
    assert client.get(owned["url"]).content == picture()
    assert error_of(client.put(link["url"], content=picture())) == (409, "file_in_use")
    client.delete(f"/files/{file['id']}", **project())
    assert error_of(client.put(link["url"], content=picture())) == (409, "file_in_use")


def test_of_many_uploads_by_one_link_one_is_kept(client: httpx.Client, project: Project, parts: Services):
    link, before = signed(client, project, method="PUT", filename="a.png"), kept_bytes(parts)
    pictures = [picture() + bytes(n) for n in range(6)]
    with ThreadPoolExecutor(6) as browsers:
        sent = list(browsers.map(lambda content: client.put(link["url"], content=content), pictures))
    [kept] = [content for content, one in zip(pictures, sent, strict=True) if one.status_code == 200]

    assert {error_of(one) for one in sent if one.status_code != 200} == {(409, "file_in_use")}
    url = client.get(f"/files/{link['file_id']}", **project()).json()["data"]["url"]
    assert (client.get(url).content, kept_bytes(parts)) == (kept, before + 1)


def test_a_part_of_a_file_is_not_taken_for_the_whole(client: httpx.Client, project: Project):
    link = signed(client, project, method="put", filename="a.png")
    part = {"Content-Range": f"bytes 0-{len(picture()) - 1}/{len(picture()) + 9}"}

    assert error_of(client.put(link["url"], content=picture(), headers=part)) == (400, "body_invalid")
    assert client.put(link["url"], content=picture()).status_code == 200


def test_a_link_takes_one_upload_at_a_time(client: httpx.Client, project: Project, parts: Services):
    link = signed(client, project, method="put", filename="a.png")
    with socket.create_connection((client.base_url.host, client.base_url.port)) as slow:
        path = link["url"].removeprefix(str(client.base_url).rstrip("/"))
        slow.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegun".encode())
        wait_for(lambda: list(parts.settings.scratch.glob("upload*")))
        assert error_of(client.put(link["url"], content=picture())) == (409, "file_in_use")
    wait_for(lambda: not list(parts.settings.scratch.glob("upload*")))
    assert client.put(link["url"], content=picture()).status_code == 200


def test_a_link_that_was_changed_or_is_used_for_something_else_is_refused(
    client: httpx.Client, project: Project, other: Project
):
    link = signed(client, project, method="put", filename="a.png")
    forged = [
        changed(link["url"], **{field: value})
        for field, value in [
            ("name", "b.png"), ("max_bytes", 10**9), ("expires", int(time.time()) + 9_000), ("project", other.id),
            ("project", "x\ny"), ("signature", "0" * 64), ("expires", "9" * 400), ("max_bytes", "-1"),
        ]
    ]  # fmt: skip
    elsewhere = link["url"].replace(link["file_id"], "file_" + "a" * 24)

    for url in (*forged, elsewhere, link["url"].partition("?")[0]):
        assert error_of(client.put(url, content=picture())) == (401, "token_invalid"), url
    assert error_of(client.get(link["url"])) == (401, "token_invalid")
    assert client.put(link["url"], content=picture()).status_code == 200
    download = client.get(f"/files/{link['file_id']}", **project()).json()["data"]["url"]
    assert error_of(client.put(download, content=picture())) == (401, "token_invalid")


def test_an_expired_link_is_refused(client: httpx.Client, project: Project, parts: Services):
    secret = parts.records.keys.project_secret(project.id)
    late = UploadGrant(project.id, "file_" + "b" * 24, "a.png", 10_000, int(time.time()) - 1)

    assert error_of(client.put(late.path(secret), content=picture())) == (401, "token_invalid")


def test_an_upload_link_works_while_the_old_secret_does(client: httpx.Client, project: Project, parts: Services):
    kept, lost = (signed(client, project, method="put", filename=f"{n}.png") for n in range(2))
    parts.records.keys.rotate_secret(project.id, timedelta(hours=1))
    assert client.put(kept["url"], content=picture()).status_code == 200

    parts.records.keys.rotate_secret(project.id, timedelta(0))
    assert error_of(client.put(lost["url"], content=picture())) == (401, "token_invalid")


@pytest.mark.parametrize(("content", "status"), [(picture() + bytes(500), 413), (b"no media", 422)])
def test_an_upload_that_is_refused_leaves_nothing_and_the_link_works_again(
    client: httpx.Client, project: Project, parts: Services, content: bytes, status: int
):
    link, before = signed(client, project, method="put", filename="a", max_bytes=len(picture())), kept_bytes(parts)

    assert client.put(link["url"], content=content).status_code == status
    assert (kept_bytes(parts), list(parts.settings.scratch.glob("upload*"))) == (before, [])
    assert client.put(link["url"], content=picture()).status_code == 200


def test_a_download_link_expires_when_its_owner_wants(client: httpx.Client, project: Project, parts: Services):
    file, soon = store_upload(parts, project), int(time.time()) + 86_400
    link = signed(client, project, file_id=file.id.replace("file_", "med_"), expiry=soon)

    assert (link["method"], link["expiry"], link["max_bytes"]) == ("get", soon, None)
    assert client.get(link["url"]).content == b"0123456789"
    assert error_of(client.get(changed(link["url"], expires=soon + 1))) == (401, "token_invalid")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "file_id"),
        ({"method": "put"}, 422, "filename"),
        ({"method": "post", "filename": "a"}, 422, "method"),
        ({"method": "put", "filename": "a", "file_id": "file_" + "a" * 24}, 422, "file_id"),
        ({"file_id": "file_" + "a" * 24, "max_bytes": 5}, 422, "max_bytes"),
        ({"method": "put", "filename": "a", "expiry": 10}, 422, "expiry"),
        ({"method": "put", "filename": "a", "expiry": 10**11}, 422, "expiry"),
        ({"method": "put", "filename": "a", "folder": "b"}, 422, "folder"),
        ({"file_id": "file_" + "a" * 24}, 404, "file_id"),
    ],
)
def test_a_wrong_signature_is_refused_by_the_field(
    client: httpx.Client, project: Project, body: dict, status: int, field: str
):
    answered = client.post("/signatures", json=body, **project())

    assert (answered.status_code, answered.json()["error"]["field"]) == (status, field)


def test_a_page_of_another_origin_may_use_links_and_nothing_else(client: httpx.Client, project: Project):
    link = signed(client, project, method="put", filename="a.png")
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    may_send = client.options(link["url"], headers=PAGE | asked)
    sent = client.put(link["url"], content=picture(), headers=PAGE)
    refused = client.put(link["url"], content=picture(), headers=PAGE)
    listed = client.get("/files", headers=PAGE | project()["headers"])

    assert (may_send.status_code, "PUT" in may_send.headers["access-control-allow-methods"]) == (200, True)
    assert [one.headers.get("access-control-allow-origin") for one in (may_send, sent, refused, listed)] == [
        "*", "*", "*", None,
    ]  # fmt: skip
    assert "access-control-allow-credentials" not in may_send.headers


def test_links_are_not_logged_and_guessing_is_slowed_down(
    parts: Services, runs: FakeRunService, project: Project, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with serving(with_settings(parts, failed_links_per_minute=3), runs) as client:
        link = signed(client, project, method="put", filename="a.png")
        answers = [client.put(changed(link["url"], name=str(n)), content=b"x").status_code for n in range(3)]

    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("penstock", "uvicorn"))]
    assert (answers[0], answers[-1]) == (401, 429)
    assert not [line for line in ours if link["signature"] in line]
