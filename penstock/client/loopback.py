"""The client of commands whose service is on this machine, over the standard library.

httpx takes 0.1 s to load and to make its first client, a third of the time of a small picture. It still follows links
that lead elsewhere."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from penstock.client.address import ServiceAddress
from penstock.client.calls import Answer, Call, Outcome
from penstock.client.clients import RETRY_SECONDS, Client
from penstock.client.connection import (
    BLOCK_BYTES,
    BROKEN,
    CONNECT_SECONDS,
    LOOPBACK,
    REFUSED,
    TOO_LATE,
    BlockingDriver,
    FileBlocks,
)

if TYPE_CHECKING:
    from penstock.client.drivers import SyncDriver


def client_at(url: str, key: str) -> Client:
    """A client of the service at this address."""
    parts = urlsplit(url)
    is_plain = (parts.scheme, parts.path) == ("http", "") and parts.hostname in LOOPBACK
    return LoopbackClient(url, key) if is_plain else Client(url, key)


class LoopbackClient(Client):
    """The same methods, over `LoopbackDriver`."""

    def __init__(self, url: str, key: str) -> None:
        self._driver = LoopbackDriver(lambda: ServiceAddress(url, key), RETRY_SECONDS)


class _Broken(Exception):
    """An error of the connection, and not of the file that is sent or received."""

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


class LoopbackDriver(BlockingDriver):
    """A connection for each request: no other end closes it while it is unused."""

    @cached_property
    def elsewhere(self) -> "SyncDriver":
        from penstock.client.drivers import SyncDriver  # noqa: PLC0415 - 0.1 s, and few links lead elsewhere

        return SyncDriver(lambda: self.connection.address, self.retry_seconds)

    def close(self) -> None:
        if "elsewhere" in vars(self):
            self.elsewhere.close()

    def send(self, call: Call[Any]) -> Outcome:
        path = call.path.removeprefix(self.connection.address.url)
        if not path.startswith("/"):
            return self.elsewhere.send(call)
        service, blocks = urlsplit(self.connection.address.url), FileBlocks(call.file) if call.file else None
        http = HTTPConnection(service.hostname or "", service.port, timeout=CONNECT_SECONDS)
        try:
            response = self._response(http, f"{path}?{urlencode(call.params)}" if call.params else path, call, blocks)
            if not 300 <= response.status < 400:
                return self._answer(call, response)
        except _Broken as broken:
            arrived = broken.may_have_arrived
            return self.connection.lost(str(broken), blocks, may_have_arrived=arrived)
        finally:
            http.close()
        return self.elsewhere.send(call)

    def _response(self, http: HTTPConnection, target: str, call: Call[Any], blocks: FileBlocks | None) -> HTTPResponse:
        with _network(REFUSED, may_have_arrived=False):
            http.connect()
        http.sock.settimeout(call.answer_seconds)
        content = b"" if call.body is None else json.dumps(call.body).encode()
        sizes = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        with _network(BROKEN):
            http.putrequest(call.method, target)
            for name, value in ((sizes if call.method != "GET" else {}) | self.connection.headers_of(call)).items():
                http.putheader(name, value)
            http.endheaders(content)
        for block in blocks or ():
            try:
                with _network(BROKEN):
                    http.send(block)
            except _Broken:  # a service that refuses an upload answers before it has all of it
                break
        with _network(BROKEN):
            return http.getresponse()

    def _answer(self, call: Call[Any], response: HTTPResponse) -> Answer:
        headers, content = {name.lower(): value for name, value in response.getheaders()}, b""
        for block in _blocks(response):
            if call.sink is not None and 200 <= response.status < 300:
                call.sink(response.status, block)
            else:
                content += block
        return Answer(response.status, headers, content, self.connection.address.url)


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        with _network(BROKEN):
            block = response.read(BLOCK_BYTES)
        if not block:
            break
        yield block
    if response.length:  # such a read does not raise for what is missing
        raise _Broken(BROKEN, may_have_arrived=True)


@contextmanager
def _network(reason: str, *, may_have_arrived: bool = True) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise _Broken(TOO_LATE, may_have_arrived=may_have_arrived) from error
    except (OSError, HTTPException) as error:
        raise _Broken(reason, may_have_arrived=may_have_arrived) from error
