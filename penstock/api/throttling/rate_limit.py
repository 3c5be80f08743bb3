"""Rate limits: of requests (token buckets) and of the bytes of a body (a minimum)."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.domain import errors

MAX_CALLERS = 100_000


class RateLimiter:
    """A token bucket per caller, in this process, for the latest `max_callers`. A burst of a third of a minute's
    requests is allowed."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, max_callers: int = MAX_CALLERS
    ) -> None:
        self._burst = max(1.0, per_minute / 3)
        self._per_second = per_minute / 60
        self._clock = clock
        self._max_callers = max_callers
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> int:
        """Count a request. Returns 0 if it is allowed, else the seconds until one would be."""
        now, tokens = self._current(caller)
        allowed = tokens >= 1
        self._tokens[caller] = (tokens - allowed, now)
        self._tokens.move_to_end(caller)
        if len(self._tokens) > self._max_callers:
            self._tokens.popitem(last=False)
        return 0 if allowed else self._wait_seconds(tokens)

    def seconds_left(self, caller: str) -> int:
        """The same seconds, without counting a request."""
        tokens = self._current(caller)[1]
        return 0 if tokens >= 1 else self._wait_seconds(tokens)

    def _current(self, caller: str) -> tuple[float, float]:
        now = self._clock()
        tokens, then = self._tokens.get(caller, (self._burst, now))
        return now, min(self._burst, tokens + (now - then) * self._per_second)

    def _wait_seconds(self, tokens: float) -> int:
        return math.ceil((1 - tokens) / self._per_second)


class MinBodyRate:
    """Middleware: raises `InputTimeout` while a body is read if it arrives slower than `min_bytes_per_second`.

    Only time spent waiting for the body counts, and `grace_seconds` of it are free; fast bytes earn no more than
    that."""

    def __init__(self, app: ASGIApp, min_bytes_per_second: int, grace_seconds: float) -> None:
        self._app = app
        self._rate, self._grace = min_bytes_per_second, grace_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        await self._app(scope, self._limited(receive), send)

    def _limited(self, receive: Receive) -> Receive:
        seconds_left, more_body = self._grace, True

        async def limited_receive() -> Message:
            nonlocal seconds_left, more_body
            if not more_body:  # the next message is the disconnect
                return await receive()
            started = time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, seconds_left)):
                    message = await receive()
            except TimeoutError as error:
                more_body = False
                raise errors.InputTimeout(
                    f"The body arrived slower than {self._rate:,} bytes a second; send it again."
                ) from error
            earned = len(message.get("body", b"")) / self._rate
            seconds_left = min(self._grace, seconds_left + earned - (time.monotonic() - started))
            more_body = message.get("more_body", False)
            return message

        return limited_receive


def _has_body(scope: Scope) -> bool:
    names = {name for name, value in scope["headers"] if value != b"0"}
    return b"content-length" in names or b"transfer-encoding" in names
