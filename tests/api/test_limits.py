"""What a client without a key may cost: headers, connections, slow bodies, wrong keys and health checks are limited."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

import httpx
import pytest

from penstock.domain.attempts import RunsHealth
from penstock.services import Services
from penstock.storage.object_store import ObjectStore
from tests.api.app import FakeRunService, Project, serving, store_upload, with_settings

NOT_THIS_MACHINE = "127.0.0.2"  # of the loopback network, but no proxy whose word is taken


@contextmanager
def connected(client: httpx.Client, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    target = (client.base_url.host, client.base_url.port)
    with socket.create_connection(target, timeout=20, source_address=(address, 0)) as caller:
        yield caller


def answer_to(caller: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    return caller.makefile("rb").read()


@pytest.mark.parametrize("value", [b"a" * 1000, b"a" * 2**20])
def test_endless_headers_are_rejected(client: httpx.Client, value: bytes):
    sent = 0
    with connected(client) as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        while not is_answered(caller) and sent < 82 * 2**20:
            line = b"X-%d: " % sent + value + b"\r\n"
            caller.sendall(line)
            sent += len(line)
        answered = caller.recv(100)

    assert answered.startswith(b"HTTP/1.1 431")
    # What the system's own buffers hold between us and them counts as sent.
    assert sent < 16 * 2**20


def is_answered(caller: socket.socket) -> bool:
    return bool(select.select([caller], [], [], 0)[0])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", b"431"),
        (b"GET /health HTTP/1.1\r\nX: " + b"y" * 33_000 + b"\r\n\r\n", b"431"),
        (b"GET /health HTTP/1.1\r\nX: " + b"y" * 33_000, b"431"),
        (b"\r\n\r\nGET /health HTTP/1.1\r\nX: " + b"y" * 400_000, b"431"),
        (b"CONNECT example.com:80 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ],
)
def test_an_oversized_head_is_rejected_and_the_connection_closed(client: httpx.Client, head: bytes, status: bytes):
    with connected(client) as caller:
        with suppress(ConnectionError):  # it may be refused before all of it is sent
            caller.sendall(head)
        told = answer_to(caller)

    assert told.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in told


def test_an_oversized_head_after_a_valid_request_closes_the_connection(client: httpx.Client):
    with connected(client) as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nX: ")
        with suppress(ConnectionError):
            for _ in range(400):
                caller.sendall(b"y" * 10_000)
        with suppress(ConnectionError):
            assert answer_to(caller).count(b"HTTP/1.1 200") <= 1


def test_headers_after_a_body_are_limited_too(client: httpx.Client, project: Project):
    head = (
        f"POST /files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {project.key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with connected(client) as caller:
        caller.sendall(head.encode() + b"3\r\nabc\r\n0\r\nX: ")
        sent = 0
        with suppress(ConnectionError):
            while sent < 32 * 2**20:
                caller.sendall(b"y" * 2**16)
                sent += 2**16

    assert sent < 16 * 2**20


def test_headers_must_arrive_in_time(parts: Services, runs: FakeRunService):
    hurried = with_settings(parts, header_seconds=0.3)
    with serving(hurried, runs) as client, connected(client) as silent, connected(client) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: ")
        told = [answer_to(caller) for caller in (silent, slow)]

    assert all(one.startswith(b"HTTP/1.1 408") for one in told)


def test_the_headers_of_a_later_request_must_arrive_in_time(parts: Services, runs: FakeRunService):
    with serving(with_settings(parts, header_seconds=1), runs) as client, connected(client) as caller:
        caller.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        answered = caller.recv(65_536)
        caller.sendall(b"GET ")

        assert answered.startswith(b"HTTP/1.1 200")
        assert b"HTTP/1.1 408" in answer_to(caller)


def test_headers_after_a_body_must_arrive_in_time(parts: Services, runs: FakeRunService):
    with serving(with_settings(parts, header_seconds=0.3), runs) as client, connected(client) as caller:
        caller.sendall(b"POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        answered = caller.recv(65_536)
        caller.sendall(b"abcGET /health HTTP/1.1\r\nHost: ")

        assert answered.startswith(b"HTTP/1.1 401")
        assert b"HTTP/1.1 408" in answer_to(caller)


def test_pipelined_requests_are_all_answered(client: httpx.Client):
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n%s\r\n"
    with connected(client) as caller:
        caller.sendall(request % b"" * 4 + request % b"Connection: close\r\n")

        assert answer_to(caller).count(b"HTTP/1.1 200") == 5


def test_an_upgrade_header_is_ignored(client: httpx.Client, project: Project):
    """Java's client offers h2c with every plain request; a body behind it was waited for without end."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAA"}
    answered = client.post("/tasks", json={"kind": "film"}, headers=project()["headers"] | offer, timeout=10)

    assert answered.status_code == 422


def test_connections_are_limited_by_address_and_in_total(parts: Services, runs: FakeRunService):
    few = with_settings(parts, max_connections=5, max_connections_per_address=2)
    with serving(few, runs) as client, ExitStack() as open_ones:
        there = [open_ones.enter_context(connected(client, NOT_THIS_MACHINE)) for _ in range(3)]
        refused = answer_to(there[2])
        here = [open_ones.enter_context(connected(client)) for _ in range(4)]
        too_many = answer_to(here[3])
        there[0].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in refused
        assert too_many.startswith(b"HTTP/1.1 503")
        assert answer_to(there[0]).startswith(b"HTTP/1.1 200")


def test_a_slow_body_is_rejected(parts: Services, runs: FakeRunService, project: Project):
    head = f"POST /files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {project.key}\r\nContent-Length: 900000\r\n\r\n"
    with serving(with_settings(parts, upload_grace_seconds=0.3), runs) as client, connected(client) as caller:
        caller.sendall(head.encode() + bytes(1000))
        told = answer_to(caller)

    assert told.startswith(b"HTTP/1.1 422")
    assert b'"code":"input_timeout"' in told


def test_a_client_that_keeps_sending_after_an_error_is_disconnected(client: httpx.Client):
    with connected(client) as caller:
        caller.sendall(b"POST /files HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        answered = caller.recv(65_536)
        with pytest.raises(ConnectionError):
            send_for_ever(caller)

    assert answered.startswith(b"HTTP/1.1 401")


def send_for_ever(caller: socket.socket) -> None:
    while True:
        caller.sendall(bytes(1000))
        time.sleep(0.005)


def test_a_client_that_reads_nothing_is_disconnected(parts: Services, runs: FakeRunService, project: Project):
    file = store_upload(parts, project, bytes(64 * 2**20))
    with serving(with_settings(parts, unread_seconds=0.3), runs) as client:
        link = client.get(f"/files/{file.id}", **project()).json()["data"]["url"]
        with connected(client) as caller:
            caller.sendall(f"GET {link.removeprefix(str(client.base_url))} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(2.0)  # much longer than an answer may lie unread: this is what is tried
            with suppress(ConnectionError):
                assert len(answer_to(caller)) < 64 * 2**20


def test_a_client_that_reads_slowly_is_served(parts: Services, runs: FakeRunService, project: Project):
    content = bytes(12 * 2**20)
    file = store_upload(parts, project, content)
    with serving(with_settings(parts, unread_seconds=0.3), runs) as client:
        link = client.get(f"/files/{file.id}", **project()).json()["data"]["url"]
        with connected(client) as caller:
            head = f"GET {link.removeprefix(str(client.base_url))} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            caller.sendall(head.encode())
            taken = 0
            while block := caller.recv(2**18):
                taken += len(block)
                time.sleep(0.05)  # a slow reader: this is what is tried

    assert taken > len(content)


def test_guessing_keys_is_answered_with_429(parts: Services, runs: FakeRunService):
    with serving(with_settings(parts, failed_keys_per_minute=6), runs) as client:
        told = [client.get("/tasks", headers={"Authorization": f"Bearer {guess}"}) for guess in range(3)]

    assert [one.status_code for one in told] == [401, 401, 429]
    assert int(told[2].headers["retry-after"]) >= 1


def test_guessing_links_is_answered_with_429(parts: Services, runs: FakeRunService):
    with serving(with_settings(parts, failed_links_per_minute=6), runs) as client:
        link = f"/files/file_aaaaaaaaaaaa/content?signature=0&expires={int(time.time()) + 60}"
        told = [client.get(link).status_code for _ in range(3)]
        over = client.get("/files/file_aaaaaaaaaaaa/content?signature=0&expires=1")

    assert told == [401, 401, 429]
    assert over.status_code == 401  # it costs no look-up


def test_health_is_checked_once_a_second(parts: Services):
    runs = Counting()
    with serving(parts, runs) as client, ThreadPoolExecutor(20) as many:
        began = time.monotonic()
        told = {one.status_code for one in many.map(lambda _: client.get("/health"), range(40))}
        seconds = time.monotonic() - began

    assert told == {200}
    assert runs.asked <= seconds + 1


@dataclass
class Counting(FakeRunService):
    asked: int = 0

    async def health(self) -> RunsHealth:
        self.asked += 1
        return await super().health()


class Stalled:
    """A storage that answers nothing until it is let go."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects, self.let_go, self.waiting = objects, threading.Event(), threading.Semaphore(0)
        self.pings = 0

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        self.waiting.release()
        self.let_go.wait(60)
        yield from self._objects.read(key, start, length)

    def ping(self) -> None:
        self.pings += 1
        self.let_go.wait(60)

    def __getattr__(self, name: str) -> object:
        return getattr(self._objects, name)


def test_a_hanging_storage_blocks_only_its_readers(parts: Services, runs: FakeRunService, project: Project):
    file, stalled = store_upload(parts, project), Stalled(parts.objects)
    with serving(replace(parts, objects=stalled), runs) as client, ThreadPoolExecutor(60) as many:
        link = client.get(f"/files/{file.id}", **project()).json()["data"]["url"]
        readers = [many.submit(client.get, link) for _ in range(60)]
        try:
            for _ in range(60):
                assert stalled.waiting.acquire(timeout=20)
            reads = [client.get(path, **project()).status_code for path in ("/tasks", f"/files/{file.id}", "/formats")]
            health = client.get("/health", timeout=20)
        finally:
            stalled.let_go.set()
        served = {reader.result().content for reader in readers}

    assert reads == [200, 200, 200]
    assert (health.status_code, health.json()["error"]["code"]) == (503, "storage_unavailable")
    assert served == {b"0123456789"}


def test_a_hanging_storage_takes_one_thread_of_health_checks(
    parts: Services, runs: FakeRunService, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("penstock.api.HEALTH_CACHE_SECONDS", 0)
    monkeypatch.setattr("penstock.api.routes.health.PING_TIMEOUT_SECONDS", 1)
    stalled = Stalled(parts.objects)
    with serving(replace(parts, objects=stalled), runs) as client:
        try:
            told = [client.get("/health").json()["error"]["code"] for _ in range(4)]
        finally:
            stalled.let_go.set()

        assert (set(told), stalled.pings) == ({"storage_unavailable"}, 1)
        wait_until_ok(client)


def wait_until_ok(client: httpx.Client) -> None:
    deadline = time.monotonic() + 20
    while client.get("/health").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)
