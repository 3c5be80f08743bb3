"""The drivers over httpx: one blocks, the other one awaits."""

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import anyio
import httpx

from penstock.client.address import Locate
from penstock.client.calls import Answer, Call, Lost, Outcome, Send, Sleep, Steps
from penstock.client.connection import (
    BLOCK_BYTES,
    BROKEN,
    CONNECT_SECONDS,
    REFUSED,
    TOO_LATE,
    BlockingDriver,
    Connection,
    FileBlocks,
)
from penstock.client.retries import attempts

T = TypeVar("T")

CLEANUP_SECONDS = 30.0
# The request was not sent, or not as a whole.
NOT_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class AsyncFileBlocks(FileBlocks):
    """The same, read by asyncio or trio."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with await anyio.open_file(self.body.path, "rb") as file:
            while block := self.checked(await file.read(BLOCK_BYTES)):
                yield block
                self.count(block)


class SyncDriver(BlockingDriver):
    """Over `httpx.Client`."""

    def __init__(self, locate: Locate, retry_seconds: float) -> None:
        super().__init__(locate, retry_seconds)
        self.http = httpx.Client(trust_env=not self.connection.is_local, follow_redirects=True)

    def close(self) -> None:
        self.http.close()

    def send(self, call: Call[Any]) -> Outcome:
        blocks = FileBlocks(call.file) if call.file else None
        request = self.http.build_request(
            **_request_of(call, self.connection), content=iter(blocks) if blocks else None
        )
        try:
            response = self.http.send(request, stream=True)
            try:
                return self._answer(call, response)
            finally:
                response.close()
        except httpx.TransportError as error:
            return _lost(error, self.connection, blocks)

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
        blocks = AsyncFileBlocks(call.file) if call.file else None
        content = aiter(blocks) if blocks else None
        request = self.http.build_request(**_request_of(call, self.connection), content=content)
        try:
            response = await self.http.send(request, stream=True)
            try:
                return await self._answer(call, response)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            return _lost(error, self.connection, blocks)

    async def _answer(self, call: Call[Any], response: httpx.Response) -> Answer:
        if call.sink is None or not response.is_success:
            return _answer_of(response, await response.aread(), self.connection)
        async for block in response.aiter_raw():
            await anyio.to_thread.run_sync(call.sink, response.status_code, block)
        return _answer_of(response, b"", self.connection)


def _request_of(call: Call[Any], connection: Connection) -> dict[str, Any]:
    """The arguments of `httpx`'s `build_request`, without a body that is a file."""
    return {
        "method": call.method,
        "url": call.path if "://" in call.path else connection.address.url + call.path,
        "params": dict(call.params) or None,
        "json": call.body,
        "headers": connection.headers_of(call),
        "timeout": httpx.Timeout(call.answer_seconds, connect=CONNECT_SECONDS),
    }


def _answer_of(response: httpx.Response, content: bytes, connection: Connection) -> Answer:
    return Answer(response.status_code, response.headers, content, connection.address.url)


def _lost(error: httpx.TransportError, connection: Connection, blocks: FileBlocks | None) -> Lost:
    """Looks the address up again."""
    may_have_arrived = not isinstance(error, NOT_ARRIVED)
    lost = connection.lost(_reason_of(error), blocks, may_have_arrived=may_have_arrived)
    connection.renew()
    return lost


def _reason_of(error: httpx.TransportError) -> str:
    """A few plain words, without addresses."""
    match error:
        case httpx.ConnectError():
            return REFUSED
        case httpx.TimeoutException():
            return TOO_LATE
        case _:
            return BROKEN
