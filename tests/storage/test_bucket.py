"""What the S3 store does beyond the contract."""

import os
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

from penstock.domain import errors
from penstock.storage.object_store import BucketStore, ObjectStore
from tests.storage.ports import free_port


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(os.urandom(2**20) * 40)
    return path


def test_a_large_file_is_uploaded_in_parts(bucket, big, tmp_path):
    bucket.put(big, "big", "video/mp4")
    bucket.get("big", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_a_signed_link_serves_the_file_without_a_key(bucket, file):
    bucket.put(file, "a", "video/mp4")
    with urllib.request.urlopen(bucket.signed_link("a", 60, "video/mp4", "inline")) as answer:
        assert answer.read() == file.read_bytes()


def test_a_signed_link_expires(bucket, file):
    bucket.put(file, "a", "video/mp4")
    assert "Expires=60" in bucket.signed_link("a", 60, "video/mp4", "inline")


def test_a_bucket_that_is_not_there_is_unavailable(s3_endpoint, aws, file):
    nowhere = ObjectStore.at("s3://nowhere", s3_endpoint)
    for ask in (nowhere.ping, lambda: nowhere.put(file, "a", "video/mp4")):
        with pytest.raises(errors.StorageUnavailable):
            ask()


def test_an_unreachable_server_is_not_a_missing_file(aws, file):
    away = ObjectStore.at("s3://bucket", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(errors.StorageUnavailable):
        away.exists("a")


@pytest.mark.parametrize("way", ["put", "get"])
def test_a_transfer_with_a_silent_server_can_be_cancelled(aws, file, tmp_path, way):
    with listening(Silent) as port:
        stalled = BucketStore("bucket", "", f"http://127.0.0.1:{port}")
        cancelled = threading.Event()
        threading.Timer(0.5, cancelled.set).start()
        started = time.monotonic()
        with pytest.raises(errors.Cancelled):
            TRANSFERS[way](stalled, file, tmp_path / "back", cancelled.is_set)
        assert time.monotonic() - started < 5
    assert not (tmp_path / "back").exists()


TRANSFERS = {
    "put": lambda bucket, file, _path, stopped: bucket.put(file, "a", "video/mp4", stopped),
    "get": lambda bucket, _file, path, stopped: bucket.get("a", path, stopped),
}


def test_a_server_that_stops_reading_ends_an_upload_at_its_deadline(aws, big):
    with listening(Silent) as port:
        stalled = BucketStore("bucket", "", f"http://127.0.0.1:{port}", request_seconds=1.0)
        started = time.monotonic()
        with pytest.raises(errors.StorageUnavailable):
            stalled.put(big, "a", "video/mp4")
    assert time.monotonic() - started < 15


def test_a_failed_part_aborts_the_upload(aws, big):
    with answering() as (port, asked):
        broken = BucketStore("bucket", "", f"http://127.0.0.1:{port}")
        with pytest.raises(errors.StorageUnavailable):
            broken.put(big, "a", "video/mp4")
    assert (asked[0], asked[-1]) == ("POST uploads", "DELETE uploadId")


class Silent(BaseRequestHandler):
    """Takes a connection and never reads from it."""

    def handle(self):
        self.server.ended.wait(60)


@contextmanager
def listening(handler):
    server = ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.ended = True, threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class RefusesParts(BaseHTTPRequestHandler):
    """Opens an upload, refuses every part of it, and lets it be aborted."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.say(200, b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.say(403, b"<Error><Code>AccessDenied</Code></Error>")

    def do_DELETE(self):
        self.say(204, b"")

    def say(self, status, body):
        what = "uploadId" if "uploadId" in self.path else "uploads"
        self.server.asked.append(f"{self.command} {what}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@contextmanager
def answering():
    server = ThreadingHTTPServer(("127.0.0.1", 0), RefusesParts)
    server.daemon_threads, server.asked = True, []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1], server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
