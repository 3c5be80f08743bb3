"""A real S3 server and a real origin on loopback, and the two stores of the contract tests."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from penstock.storage.http_source import FetchPolicy
from penstock.storage.object_store import ObjectStore

from . import origin
from .ports import free_port, until_listening

RCLONE = Path(sysconfig.get_path("scripts")) / "rclone"


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s3")
    (folder / "bucket").mkdir()
    port = free_port()
    server = subprocess.Popen(
        [RCLONE, "serve", "s3", folder, "--addr", f"127.0.0.1:{port}", "--auth-key", "penstock,penstock-secret"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )
    try:
        until_listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "penstock")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "penstock-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


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
