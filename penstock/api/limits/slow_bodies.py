"""Bodies must come at a least rate: a slow sender holds a connection, and what its request has opened."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.domain import errors


class MinBodyRate:
    """Middleware: reading a body raises `InputTimeout` once it has been waited for longer than its bytes are worth.
    What came fast earns no more than the grace."""

    def __init__(self, app: ASGIApp, min_bytes_per_second: int, grace_seconds: float) -> None:
        self._app = app
        self._rate, self._grace = min_bytes_per_second, grace_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        await self._app(scope, self._paced(receive), send)

    def _paced(self, receive: Receive) -> Receive:
        granted, has_more = self._grace, True

        async def received() -> Message:
            nonlocal granted, has_more
            if not has_more:  # all that may come now is the caller's hanging up
                return await receive()
            began = time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, granted)):
                    message = await receive()
            except TimeoutError as late:
                has_more = False
                raise errors.InputTimeout(
                    f"The body arrived slower than {self._rate:,} bytes a second; send it again."
                ) from late
            earned = len(message.get("body", b"")) / self._rate
            granted = min(self._grace, granted + earned - (time.monotonic() - began))
            has_more = message.get("more_body", False)
            return message

        return received


def _has_body(scope: Scope) -> bool:
    names = {name for name, value in scope["headers"] if value != b"0"}
    return b"content-length" in names or b"transfer-encoding" in names
