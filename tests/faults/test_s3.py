"""An S3 that refuses, breaks or stalls uploads: what is encoded is encoded once, and nothing half-written is there."""

import os
import time

import pytest

from benchmarks.harness.s3_relay import s3_relay
from penstock.domain import errors
from penstock.storage.object_store import BucketStore
from tests.s3_server import AWS, running_s3

FAULTS = {"refused three times": ("503", 3), "broken in the middle": ("reset", 1)}
ALWAYS = 1_000


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    with running_s3(tmp_path_factory.mktemp("s3"), "bucket") as endpoint, s3_relay(endpoint) as relay:
        yield relay


@pytest.fixture
def store(relay, monkeypatch):
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    yield BucketStore("bucket", "", relay.endpoint, request_seconds=10.0)
    relay.fail("503", 0)


@pytest.fixture(scope="module")
def two_parts(tmp_path_factory):
    path = tmp_path_factory.mktemp("big") / "big"
    path.write_bytes(os.urandom(2**20) * 17)
    return path


@pytest.mark.parametrize("fault", FAULTS)
def test_an_upload_is_repeated(store, relay, two_parts, tmp_path, fault):
    relay.fail(*FAULTS[fault])
    store.put(two_parts, fault, "video/mp4")
    store.get(fault, tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == two_parts.read_bytes()
    assert relay.next_fault() is None


@pytest.mark.parametrize("fault", ["503", "stall"])
def test_an_upload_that_never_succeeds_ends_and_leaves_nothing(store, relay, two_parts, fault):
    relay.fail(fault, ALWAYS)
    began = time.monotonic()
    with pytest.raises(errors.StorageUnavailable):
        store.put(two_parts, f"always {fault}", "video/mp4")
    relay.fail(fault, 0)

    assert time.monotonic() - began < 60
    assert not store.exists(f"always {fault}")
