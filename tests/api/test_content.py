"""The link in `url` serves the bytes, or a range of them, while it is valid."""

import re
import time
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from penstock.domain.task import File
from penstock.services import Services
from penstock.storage.object_store import ObjectStore
from penstock.views.tasks import content_path
from tests.api.app import FakeRunService, Project, serving, store_upload, with_settings

CONTENT = bytes(range(256)) * 8192


@pytest.fixture
def file(parts: Services, project: Project) -> File:
    return store_upload(parts, project, CONTENT)


@pytest.fixture
def link(client: httpx.Client, project: Project, file: File) -> str:
    return client.get(f"/files/{file.id}", **project()).json()["data"]["url"]


def test_the_whole_file_is_served_with_its_headers(client: httpx.Client, link: str, file: File):
    served = client.get(link)

    assert served.status_code == 200
    assert served.content == CONTENT
    assert served.headers["content-type"] == "video/mp4"
    assert served.headers["content-length"] == str(len(CONTENT))
    assert served.headers["etag"] == f'"{file.facts.sha256}"'
    assert served.headers["accept-ranges"] == "bytes"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]


def test_head_returns_the_headers_only(client: httpx.Client, link: str):
    head, got = client.head(link), client.get(link)
    told, expected = ({**answer.headers, "date": "", "x-request-id": ""} for answer in (head, got))

    assert head.content == b""
    assert told == expected


@pytest.mark.parametrize(
    ("asked", "span", "said"),
    [
        ("bytes=0-0", slice(0, 1), "bytes 0-0/2097152"),
        ("bytes=10-19", slice(10, 20), "bytes 10-19/2097152"),
        ("bytes=2097100-", slice(2097100, None), "bytes 2097100-2097151/2097152"),
        ("bytes=-5", slice(-5, None), "bytes 2097147-2097151/2097152"),
        ("bytes=5-99999999", slice(5, None), "bytes 5-2097151/2097152"),
        ("bytes=-99999999", slice(None), "bytes 0-2097151/2097152"),
    ],
)
def test_a_range_is_served(client: httpx.Client, link: str, asked: str, span: slice, said: str):
    served = client.get(link, headers={"Range": asked})

    assert (served.status_code, served.headers["content-range"]) == (206, said)
    assert served.content == CONTENT[span]
    assert served.headers["content-length"] == str(len(served.content))


@pytest.mark.parametrize("asked", ["bytes=2097152-", "bytes=99999999-100000000", "bytes=-0"])
def test_a_range_after_the_end_is_a_416(client: httpx.Client, link: str, asked: str):
    served = client.get(link, headers={"Range": asked})

    assert (served.status_code, served.headers["content-range"]) == (416, "bytes */2097152")


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=-", "bytes=9-3", "bytes=a-b", "bytes=²-"]
)
def test_several_or_invalid_ranges_get_the_whole_file(client: httpx.Client, link: str, asked: str):
    assert client.get(link, headers={"Range": asked.encode("latin-1")}).status_code == 200


def test_a_matching_etag_gets_a_304(client: httpx.Client, link: str, file: File):
    etag = f'"{file.facts.sha256}"'

    for header in (etag, f'"other", W/{etag}', "*"):
        served = client.get(link, headers={"If-None-Match": header})
        assert (served.status_code, served.content, served.headers["etag"]) == (304, b"", etag)
    assert client.get(link, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_range_of_another_version_is_not_served(client: httpx.Client, link: str, file: File):
    same = {"Range": "bytes=0-0", "If-Range": f'"{file.facts.sha256}"'}

    assert client.get(link, headers=same).status_code == 206
    assert client.get(link, headers=same | {"If-Range": '"other"'}).status_code == 200
    assert client.get(link, headers=same | {"If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"}).status_code == 200


def test_a_forged_link_is_rejected_like_one_of_an_unknown_file(client: httpx.Client, link: str):
    changed = [
        re.sub(r"signature=.", "signature=x", link),
        link[:-1],
        link.partition("?")[0],
        re.sub(r"expires=\d", "expires=9", link),
        re.sub(r"expires=\d+", "expires=x", link),
        re.sub(r"file_[a-z0-9]+", "file_aaaaaaaaaaaaaaaaaaaaaaaa", link),
        re.sub(r"signature=.*", "signature=%E4", link),
    ]
    answers = [client.get(one) for one in changed]

    assert {one.status_code for one in answers} == {401}
    assert len({str(one.json()["error"]) for one in answers}) == 1


def test_a_link_expires_after_an_hour(client: httpx.Client, file: File, parts: Services):
    secret = parts.records.keys.project_secret(file.project_id)

    assert client.get(content_path(file.id, secret, int(time.time()) - 1)).status_code == 401
    assert client.get(content_path(file.id, secret, int(time.time()) + 5)).status_code == 200


def test_the_secret_of_another_project_signs_no_link(client: httpx.Client, file: File, parts: Services, other: Project):
    secret = parts.records.keys.project_secret(other.id)

    assert client.get(content_path(file.id, secret, int(time.time()) + 60)).status_code == 401


def test_links_redirect_to_a_store_that_can_sign(parts: Services, runs: FakeRunService, project: Project, file: File):
    with serving(with_settings(parts, links="redirect"), runs) as client:
        link = client.get(f"/files/{file.id}", **project()).json()["data"]["url"]
        served = client.get(link)

    assert (served.status_code, served.content) == (200, CONTENT)


def test_missing_bytes_are_an_error_response(client: httpx.Client, link: str, file: File, parts: Services):
    parts.objects.delete(file.key)

    assert (client.get(link).status_code, client.get(link).json()["error"]["code"]) == (404, "file_not_found")


@pytest.fixture
def bucket(parts: Services, s3_endpoint: str, aws: None) -> Services:
    """The same service with its files in an S3."""
    return replace(parts, objects=ObjectStore.at("s3://bucket/links", s3_endpoint))


def test_a_store_serves_its_own_links_if_set(
    bucket: Services, runs: FakeRunService, project: Project, s3_endpoint: str
):
    file = store_upload(bucket, project, CONTENT)
    with serving(with_settings(bucket, links="redirect"), runs) as client:
        handed_over = client.get(client.get(f"/files/{file.id}", **project()).json()["data"]["url"])
    location = handed_over.headers["location"]

    assert (handed_over.status_code, location.startswith(s3_endpoint)) == (307, True)
    assert httpx.get(location, trust_env=False).content == CONTENT


def test_the_bytes_of_a_bucket_have_our_headers(bucket: Services, runs: FakeRunService, project: Project):
    file = store_upload(bucket, project, CONTENT)
    with serving(bucket, runs) as client:
        link = client.get(f"/files/{file.id}", **project()).json()["data"]["url"]
        whole, part = client.get(link), client.get(link, headers={"Range": "bytes=-5"})

    assert (whole.content, part.content) == (CONTENT, CONTENT[-5:])
    assert whole.headers["x-content-type-options"] == "nosniff"


def test_a_link_works_during_the_overlap_of_a_rotation(client: httpx.Client, project: Project, parts: Services):
    upload = store_upload(parts, project)
    link = client.get(f"/files/{upload.id}", **project()).json()["data"]["url"]
    parts.records.keys.rotate_secret(project.id, timedelta(hours=1))
    during = client.get(link).status_code
    parts.records.keys.rotate_secret(project.id, timedelta(hours=1))

    assert (during, client.get(link).status_code) == (200, 401)


def test_the_receipt_key_signs_no_links(client: httpx.Client, file: File, parts: Services):
    receipt_key = parts.records.keys.receipt_key(file.project_id)

    assert client.get(content_path(file.id, receipt_key, int(time.time()) + 60)).status_code == 401
