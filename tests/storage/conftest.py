"""A real S3 server and a real origin on loopback, and the two stores of the contract tests."""

import os

import pytest

from penstock.storage.http_source import FetchPolicy
from penstock.storage.object_store import ObjectStore
from tests.s3_server import AWS, running_s3

from . import origin


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory):
    with running_s3(tmp_path_factory.mktemp("s3"), "bucket") as endpoint:
        yield endpoint


@pytest.fixture
def aws(monkeypatch):
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(s3_endpoint, aws, tmp_path):
    return ObjectStore.at(f"s3://bucket/{tmp_path.name}", s3_endpoint)


@pytest.fixture
def folder(tmp_path):
    return ObjectStore.at((tmp_path / "kept here").as_uri())


@pytest.fixture(params=["folder", "bucket"])
def objects(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(3 * 2**20 + 17))
    return path


@pytest.fixture
def server():
    with origin.running() as server:
        yield server


@pytest.fixture
def site(server):
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def policy(site):
    return FetchPolicy(max_bytes=10 * 2**20, read_seconds=2, total_seconds=5, allow=site.removeprefix("http://"))
