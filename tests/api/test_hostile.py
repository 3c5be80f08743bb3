"""Whatever is sent in headers, paths and queries gets one of our responses, never a 5xx."""

import json
import re
import socket

import httpx
import pytest

from penstock.api import create_app
from penstock.services import Services
from tests.api.app import FakeRunService, Project, serving, with_settings

DIGITS = "1" * 5000
HEADERS = [
    ("X-Forwarded-Proto", "ws"),
    ("X-Forwarded-Proto", "wss"),
    ("X-Forwarded-Proto", "gopher"),
    ("X-Forwarded-For", "not an address, [::1, 1.2.3.4:99999999999"),
    ("X-Forwarded-For", "\x80\xff" * 50),
    ("Host", "good.example:@evil.example"),
    ("Host", ""),
    ("Host", "[::"),
    ("Host", "\xff\xfe"),
    ("Content-Type", f"multipart/form-data; boundary*{DIGITS}=b"),
    ("Content-Type", f"multipart/form-data; boundary*{DIGITS}*=utf-8''b"),
    ("Content-Type", "multipart/form-data; boundary=" + "b" * 5000),
    ("Content-Type", 'multipart/form-data; boundary="'),
    ("Content-Type", "multipart/form-data; boundary=\xff"),
    ("Content-Type", "multipart/form-data" + "; a=b" * 2000),
    ("Content-Type", "\xff/\xff; charset=\xff"),
    ("Authorization", "Bearer \xff\xfe"),
    ("Authorization", "Bearer " + "a" * 20_000),
    ("Accept", DIGITS),
    ("Cookie", "a=" + DIGITS),
    ("Range", f"bytes={DIGITS}-{DIGITS}"),
    ("Range", "bytes=-"),
    ("If-None-Match", '"' * 5000),
    ("If-Range", "\xff"),
    ("Expect", "100-continue"),
    ("Expect", "\xff"),
    ("Upgrade", "websocket"),
    ("Upgrade", "h2c"),
    ("Transfer-Encoding", "gzip"),
    ("Content-Length", DIGITS),
    ("Content-Length", "-1"),
    ("Content-Encoding", "gzip"),
    ("Te", "trailers\xff"),
]
TARGETS = [
    "*", "http://other.example/health", "//health", "/%", "/%00", "/%ff%fe", "/files/%00", "/tasks/%F0%9F%98%80",
    "/tasks/tsk_\xff", f"/tasks?page={DIGITS}", "/tasks?page=%ff", "/tasks?limit=1e3", "/tasks?order=%00",
    f"/tasks/tsk_aaaaaaaa?wait={DIGITS}", "/tasks/tsk_aaaaaaaa?wait=nan", "/tasks/tsk_aaaaaaaa?wait=-inf",
    "/files?format=%00", "/files/file_aaaaaaaa/content?signature=%ff&expires=9",
    f"/files/file_aaaaaaaa/content?expires={DIGITS}&signature=" + "é".encode().hex(), "/tasks?" + "a=b&" * 500,
]  # fmt: skip


def routes(parts: Services) -> list[tuple[str, str]]:
    """Every method and path that there is, with an id of nobody's in it."""
    schema = create_app(parts, FakeRunService()).openapi()
    found = [(method.upper(), path) for path, methods in schema["paths"].items() for method in methods]
    return [(method, re.sub(r"{[^}]+}", "file_aaaaaaaaaaaa", path)) for method, path in found]


def status_of(client: httpx.Client, request: bytes) -> int:
    """The status of the answer to these bytes."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as caller:
        caller.sendall(request)
        answer = caller.makefile("rb")
        status = int(answer.readline().split()[1])
        while status == 100:
            assert answer.readline() == b"\r\n"
            status = int(answer.readline().split()[1])
        return status


def asking(method: str, target: str, key: str, *more: tuple[str, str]) -> bytes:
    given = {"host": "here", "authorization": f"Bearer {key}", "connection": "close"}
    given |= {name.lower(): value for name, value in more}
    if given.get("upgrade"):
        given["connection"] = "upgrade"
    body = b"{}" if method == "POST" and "transfer-encoding" not in given else b""
    given.setdefault("content-length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def test_no_header_breaks_any_route(client: httpx.Client, project: Project, parts: Services):
    answers = {
        (method, path, name, value[:60]): status_of(client, asking(method, path, project.key, (name, value)))
        for method, path in routes(parts)
        for name, value in HEADERS
    }

    assert {asked: status for asked, status in answers.items() if not 200 <= status < 500} == {}


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE", "OPTIONS"])
def test_no_path_or_query_breaks_anything(client: httpx.Client, project: Project, method: str):
    answers = {
        target[:60]: status_of(client, asking(method, target.encode().decode("latin-1"), project.key))
        for target in TARGETS
    }

    assert {asked: status for asked, status in answers.items() if not 200 <= status < 500} == {}


@pytest.mark.parametrize(
    "host",
    [
        "good.example:@evil.example", "good.example:80@evil.example", "good.example/", "good.example:80:80",
        "good.example evil", "evil.example", "", "@good.example",
    ],
)  # fmt: skip
def test_only_a_host_that_is_allowed_becomes_the_base_of_links(parts: Services, runs: FakeRunService, host: str):
    with serving(with_settings(parts, allowed_hosts="good.example"), runs) as client:
        assert host_told(client, host) == f"http://127.0.0.1:{client.base_url.port}"


@pytest.mark.parametrize("host", ["good.example", "good.example:8080", "GOOD.example"])
def test_an_allowed_host_may_have_any_port(parts: Services, runs: FakeRunService, host: str):
    with serving(with_settings(parts, allowed_hosts="Good.example, other.example:1"), runs) as client:
        assert host_told(client, host) == f"http://{host.lower()}"


def test_links_are_https_behind_a_tls_proxy(client: httpx.Client):
    told = client.get("/health", headers={"X-Forwarded-Proto": "wss"}).json()

    assert told["meta"]["host"] == f"https://127.0.0.1:{client.base_url.port}"


def host_told(client: httpx.Client, host: str) -> str:
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as caller:
        caller.sendall(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return str(json.loads(caller.makefile("rb").read().partition(b"\r\n\r\n")[2])["meta"]["host"])
