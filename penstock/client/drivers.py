"""Run the generators of operations: one driver blocks, the other one awaits."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from penstock import __version__
from penstock.client.address import Locate, ServiceAddress
from penstock.client.calls import Answer, Call, FileBody, Lost, Outcome, Send, Sleep, Steps
from penstock.client.retries import attempts

T = TypeVar("T")

BLOCK_BYTES = 1 << 20
CONNECT_SECONDS = 10.0
CLEANUP_SECONDS = 30.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The request was not sent, or not as a whole.
NOT_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
HEADERS = {"User-Agent": f"penstock/{__version__}"}


class Connection:
    """The address that is used now. After a lost connection it is looked up again: a service that was restarted on
    this machine may have another one."""

    def __init__(self, locate: Locate) -> None:
        self.locate = locate
        self.address: ServiceAddress = locate()

    @property
    def is_local(self) -> bool:
        return urlsplit(self.address.url).hostname in LOOPBACK

    def request_of(self, call: Call[Any]) -> dict[str, Any]:
        """The arguments of `httpx`'s `build_request`, without a body that is a file."""
        is_link = "://" in call.path
        headers = dict(HEADERS) | dict(call.headers)
        if not is_link:
            headers["Authorization"] = f"Bearer {self.address.key}"
        if call.file is not None:
            headers |= {"Content-Type": call.file.type, "Content-Length": str(call.file.size)}
        return {
            "method": call.method,
            "url": call.path if is_link else self.address.url + call.path,
            "params": dict(call.params) or None,
            "json": call.body,
            "headers": headers,
            "timeout": httpx.Timeout(call.answer_seconds, connect=CONNECT_SECONDS),
        }

    def lost(self, call: Call[Any], error: httpx.TransportError, sent_bytes: int | None) -> Lost:
        """What is known of a request without an answer. An upload of which a part was sent has left nothing."""
        address, reason = self.address.url, _reason_of(error)
        may_have_arrived = not isinstance(error, NOT_ARRIVED)
        if call.file is not None and sent_bytes is not None:
            may_have_arrived = may_have_arrived and sent_bytes >= call.file.size
            reason += f", after {sent_bytes / 1e6:.1f} of {call.file.size / 1e6:.1f} MB"
        return Lost(reason, address, may_have_arrived)

    def renew(self) -> None:
        """Look the address up again, if there is one."""
        try:
            self.address = self.locate()
        except Exception:  # noqa: BLE001 - the old address is tried until the caller has waited long enough
            return


class FileBlocks:
    """The blocks of an upload. `sent`: how many bytes were taken so far."""

    def __init__(self, body: FileBody) -> None:
        self.body, self.sent = body, 0

    def __iter__(self) -> Iterator[bytes]:
        with self.body.path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
                self.count(block)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with await anyio.open_file(self.body.path, "rb") as file:
            while block := await file.read(BLOCK_BYTES):
                yield block
                self.count(block)

    def count(self, block: bytes) -> None:
        self.sent += len(block)
        if self.body.progress is not None:
            self.body.progress("sending", 100 * self.sent // max(1, self.body.size))


class SyncDriver:
    """Runs operations with blocking calls. Not shared between threads while an operation runs."""

    def __init__(self, locate: Locate, retry_seconds: float) -> None:
        self.connection, self.retry_seconds = Connection(locate), retry_seconds
        self.http = httpx.Client(trust_env=not self.connection.is_local, follow_redirects=True)

    def run(self, steps: Steps[T]) -> T:
        advance, argument = steps.send, None
        while True:
            try:
                step = advance(argument)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                advance, argument = steps.send, self._perform(step)
            except BaseException as error:  # noqa: BLE001 - the operation decides, and cleans up
                advance, argument = steps.throw, error

    def _perform(self, step: Any) -> Any:
        match step:
            case Call():
                return self.run(attempts(step, self.retry_seconds))
            case Sleep(seconds):
                return time.sleep(seconds)
            case Send(call):
                return self._send(call)
        raise TypeError(step)

    def _send(self, call: Call[Any]) -> Outcome:
        blocks = FileBlocks(call.file) if call.file else None
        request = self.http.build_request(**self.connection.request_of(call), content=iter(blocks) if blocks else None)
        try:
            response = self.http.send(request, stream=True)
            try:
                return self._answer(call, response)
            finally:
                response.close()
        except httpx.TransportError as error:
            lost = self.connection.lost(call, error, blocks.sent if blocks else None)
            self.connection.renew()
            return lost

    def _answer(self, call: Call[Any], response: httpx.Response) -> Answer:
        if call.sink is None or not response.is_success:
            return _answer_of(response, response.read(), self.connection)
        for block in response.iter_raw():
            call.sink(response.status_code, block)
        return _answer_of(response, b"", self.connection)


class AsyncDriver:
    """The same with awaited calls, on asyncio or trio. A cancelled operation may clean up for `CLEANUP_SECONDS`."""

    def __init__(self, locate: Locate, retry_seconds: float) -> None:
        self.connection, self.retry_seconds = Connection(locate), retry_seconds
        self.http = httpx.AsyncClient(trust_env=not self.connection.is_local, follow_redirects=True)

    async def run(self, steps: Steps[T]) -> T:
        advance, argument = steps.send, None
        with anyio.CancelScope() as scope:
            while True:
                try:
                    step = advance(argument)
                except StopIteration as end:
                    result: T = end.value
                    return result
                try:
                    advance, argument = steps.send, await self._perform(step)
                except BaseException as error:  # noqa: BLE001 - the operation decides, and cleans up
                    advance, argument = steps.throw, error
                    if not isinstance(error, Exception):
                        scope.shield, scope.deadline = True, anyio.current_time() + CLEANUP_SECONDS
        raise TimeoutError

    async def _perform(self, step: Any) -> Any:
        match step:
            case Call():
                return await self.run(attempts(step, self.retry_seconds))
            case Sleep(seconds):
                return await anyio.sleep(seconds)
            case Send(call):
                return await self._send(call)
        raise TypeError(step)

    async def _send(self, call: Call[Any]) -> Outcome:
        blocks = FileBlocks(call.file) if call.file else None
        request = self.http.build_request(**self.connection.request_of(call), content=aiter(blocks) if blocks else None)
        try:
            response = await self.http.send(request, stream=True)
            try:
                return await self._answer(call, response)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            lost = self.connection.lost(call, error, blocks.sent if blocks else None)
            self.connection.renew()
            return lost

    async def _answer(self, call: Call[Any], response: httpx.Response) -> Answer:
        if call.sink is None or not response.is_success:
            return _answer_of(response, await response.aread(), self.connection)
        async for block in response.aiter_raw():
            await anyio.to_thread.run_sync(call.sink, response.status_code, block)
        return _answer_of(response, b"", self.connection)


def _answer_of(response: httpx.Response, content: bytes, connection: Connection) -> Answer:
    return Answer(response.status_code, response.headers, content, connection.address.url)


def _reason_of(error: httpx.TransportError) -> str:
    """A few plain words, without addresses."""
    match error:
        case httpx.ConnectError():
            return "the connection was refused, or the name is unknown"
        case httpx.TimeoutException():
            return "it did not answer in time"
        case _:
            return "the connection broke off"
