"""A source and a destination of each kind: a folder, a prefix of a real S3 server, another fsspec file system."""

import os

import pytest

from penstock.storage.locations import open_location


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "a folder"
    root.mkdir()
    return open_location(str(root), None)


@pytest.fixture
def prefix(s3_endpoint, aws, tmp_path):
    return open_location(f"s3://bucket/{tmp_path.name}/a prefix", s3_endpoint)


@pytest.fixture
def memory(tmp_path):
    return open_location(f"memory://{tmp_path.name}/x", None)


@pytest.fixture(params=["folder", "prefix", "memory"])
def location(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def made(scratch):
    """Makes a file in scratch, as a conversion does."""

    def make(content=b"content", name="made"):
        path = scratch / f"{name}-{os.urandom(4).hex()}"
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    return make
