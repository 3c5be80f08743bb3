"""Hundreds of callers that send or read a byte at a time, beside one who uses the API as it is meant."""

import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from penstock.services import Services
from tests.api.app import BODY, FakeRunService, Project, serving, store_upload
from tests.api.test_files import picture

COUNT = int(os.environ.get("SLOW_CONNECTIONS", "300"))
SECONDS = 5.0  # the longest that one call of normal use may take, also on a busy machine
BY_ADDRESS = 200


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of each connection are in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def heads(key: str, link: str) -> list[bytes]:
    """What a slow caller begins with: half a head, a body that never ends, a response that nobody reads, nothing."""
    allowed = f"Host: x\r\nAuthorization: Bearer {key}\r\n"
    return [
        b"GET /tasks HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        f"POST /files HTTP/1.1\r\n{allowed}Content-Length: 900000\r\n\r\n".encode(),
        f"POST /tasks HTTP/1.1\r\n{allowed}Content-Length: 900\r\n\r\n".encode(),
        f"GET {link} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        f"GET /tasks/tsk_aaaaaaaaaaaa?wait=60 HTTP/1.1\r\n{allowed}\r\n".encode(),
        b"",
    ]


@contextmanager
def slow_callers(client: httpx.Client, begin: list[bytes]) -> Iterator[list[socket.socket]]:
    place = (client.base_url.host, client.base_url.port)
    with ExitStack() as held:
        callers = []
        for number in range(COUNT):
            source = (f"127.0.0.{2 + number // BY_ADDRESS}", 0)
            callers.append(held.enter_context(socket.create_connection(place, timeout=20, source_address=source)))
            callers[-1].sendall(begin[number % len(begin)])
            callers[-1].setblocking(False)
        ended = threading.Event()
        feeding = threading.Thread(target=feed, args=(callers, ended))
        feeding.start()
        try:
            yield callers
        finally:
            ended.set()
            feeding.join()


def feed(callers: list[socket.socket], ended: threading.Event) -> None:
    """A byte to each, again and again; some of them are refused, which is right."""
    while not ended.wait(0.2):
        for caller in callers:
            with suppress(OSError):
                caller.send(b"a")


def normal_use(client: httpx.Client, project: Project) -> list[tuple[int, float]]:
    """The status and the seconds of each call."""
    told = []
    for number in range(10):
        body = {**BODY, "url": f"https://example.com/{number}.mp4"}
        for method, path, given in (
            ("POST", "/tasks", {"json": body}), ("GET", "/tasks", {}), ("POST", "/files", {"content": picture()}),
            ("GET", "/health", {}),
        ):  # fmt: skip
            began = time.monotonic()
            told.append((client.request(method, path, **project(**given)).status_code, time.monotonic() - began))
    return told


def test_normal_use_goes_on_beside_slow_connections(
    many_files: None, parts: Services, runs: FakeRunService, project: Project, other: Project
):
    file = store_upload(parts, other, bytes(16 * 2**20))
    with serving(parts, runs) as client:
        link = client.get(f"/files/{file.id}", **other()).json()["data"]["url"].removeprefix(str(client.base_url))
        with slow_callers(client, heads(other.key, f"/{link.lstrip('/')}")) as callers:
            told = normal_use(client, project)
            assert len(callers) == COUNT

    assert {status for status, _ in told} == {200}
    assert max(seconds for _, seconds in told) < SECONDS
