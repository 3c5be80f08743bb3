"""Marks requests as uses of the service, so that one that lingers stays while other programs use it."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

INTERVAL_SECONDS = 1.0
# Who watches a service does not use it.
WATCHING_PATHS = ("/health", "/metrics")


class LastUse:
    """Calls `mark` at most once a second: when a request comes, and while its bodies are received and sent."""

    def __init__(self, app: ASGIApp, mark: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._mark = mark
        self._clock = clock
        self._next = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in WATCHING_PATHS:
            await self._app(scope, receive, send)
            return

        async def received() -> Message:
            message = await receive()
            self._use()
            return message

        async def sent(message: Message) -> None:
            self._use()
            await send(message)

        self._use()
        await self._app(scope, received, sent)

    def _use(self) -> None:
        now = self._clock()
        if now >= self._next:
            self._next = now + INTERVAL_SECONDS
            self._mark()
