"""HTTP/1.1 on a connection: uvicorn's, with a bound on all that a stranger may send before a request is understood."""

import fcntl
import re
import sys
import termios
from asyncio import TimerHandle, Transport
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_END = b"\r\n\r\n"
_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)
# So long a refused sender may still take to read why; closing at once would reset the connection under the answer.
_LINGER_SECONDS = 2.0
_DAMAGED = (400, "This is not an HTTP request.")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection may send before a request is understood, and how many connections there may be."""

    connections: int
    connections_per_address: int
    head_bytes: int
    head_fields: int
    line_bytes: int
    head_seconds: float
    unread_seconds: float


class TrustedProxies(Protocol):
    """Whose word on the caller's address is taken."""

    def __contains__(self, address: str | None, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class ConnectionCounter:
    """The open connections. Addresses of `proxies` carry those of many, and are counted only in all."""

    bounds: ConnectionLimits
    proxies: TrustedProxies
    by_address: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> bool:
        """Count a connection in. False: it is one too many, and not counted."""
        here, in_all = self.by_address[address], self.by_address.total()
        fits_here = address in self.proxies or here < self.bounds.connections_per_address
        if fits := fits_here and in_all < self.bounds.connections:
            self.by_address[address] += 1
        return fits

    def leave(self, address: str) -> None:
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]


class HttpProtocol(HttpToolsProtocol):
    """One connection. What breaks a bound is told so in a plain sentence, and closed: there is no request yet that an
    envelope could speak of."""

    cycle: Any  # None before the first request

    def __init__(self, *arguments: Any, doors: ConnectionCounter, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._doors, self._bounds = doors, doors.bounds
        self._address = ""
        self._head: bytearray | None = bytearray()  # of the next request, until it is whole
        self._counted = self._whole = self._refused = self._moved = False
        self._idle_bytes = 0
        self._fault = _DAMAGED
        self._timers: dict[str, TimerHandle] = {}

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._counted = self._doors.enter(self._address)
        if not self._counted:
            self._refuse(503, "There are too many connections; try again later.")
        self._time("head", self._bounds.head_seconds, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted:
            self._doors.leave(self._address)
        for name in tuple(self._timers):
            self._stop(name)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        if self._head is None:
            self._feed(data)
        elif head := self._collected(data):
            self._head = None
            self._feed(head)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._whole, self._moved = None, False, True
        if "head" not in self._timers:  # it begins behind a body, and was not collected
            self._time("head", self._bounds.head_seconds, self._late)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._bounds.line_bytes:
            self._break(414, f"The address of a request may have at most {self._bounds.line_bytes:,} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self._bounds.head_fields:
            self._break(431, f"A request may have at most {self._bounds.head_fields} headers.")

    def on_headers_complete(self) -> None:
        self._moved = True
        self._stop("head")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._moved = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._whole, self._moved, self._head = True, True, bytearray()
        self._stop("unread")

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._whole and not self.transport.is_closing():
            self._time("unread", _LINGER_SECONDS, self._cut_off)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader(self._untaken())

    def resume_writing(self) -> None:
        self._stop("unread answer")
        super().resume_writing()

    def _await_reader(self, before: int) -> None:
        """Hang up on who takes nothing of an answer for so long; who takes it slowly is served."""

        def look() -> None:
            left = self._untaken()
            if left < before:
                self._await_reader(left)
            else:
                self.transport.abort()

        self._time("unread answer", self._bounds.unread_seconds, look)

    def _untaken(self) -> int:
        """Bytes of answers that the caller has not acknowledged. Those in the system's buffer count: it takes more of
        ours only once a third of it, at times a megabyte, is free."""
        waiting = self.transport.get_write_buffer_size()
        with suppress(OSError):  # a system that does not tell
            queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
            waiting += int.from_bytes(queued, sys.byteorder)
        return waiting

    def _cut_off(self) -> None:
        """End what goes on sending though it was answered, unless another request is at work behind it."""
        if self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(*_DAMAGED)

    def _collected(self, data: bytes) -> bytes | None:
        """The whole head of the next request and what follows it, or None while some of it is to come."""
        if not self._head:
            self._time("head", self._bounds.head_seconds, self._late)
        head = self._head = self._head if self._head is not None else bytearray()
        looked_at = max(0, len(head) - len(_END))
        head += data
        end = head.find(_END, looked_at)
        if max(end, 0 if end >= 0 else len(head)) > self._bounds.head_bytes:
            self._refuse(431, f"The headers of a request may have at most {self._bounds.head_bytes:,} bytes.")
        if end < 0 or self._refused:
            return None
        # We upgrade to nothing, and may leave the header aside (RFC 9110 §7.8); the parser would stop before the body.
        return _UPGRADE.sub(b"\r\nx-upgrade:", bytes(head[: end + 2])) + bytes(head[end + 2 :])

    def _feed(self, data: bytes) -> None:
        self._moved = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(*self._fault)
        # Headers behind another request, and those behind a body, reach us only when they are whole.
        self._idle_bytes = 0 if self._moved else self._idle_bytes + len(data)
        if self._idle_bytes > self._bounds.head_bytes:
            self._refuse(431, f"The headers of a request may have at most {self._bounds.head_bytes:,} bytes.")

    def _break(self, status: int, message: str) -> None:
        self._fault = (status, message)
        raise ValueError(message)  # the parser stops, and `_feed` tells the fault

    def _late(self) -> None:
        self._refuse(408, f"The headers of a request must come within {self._bounds.head_seconds:g} s.")

    def _refuse(self, status: int, message: str) -> None:
        """Say why, hear nothing more, and close."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle and not self.cycle.response_complete:  # an answer is on its way: nothing may stand within it
            self.transport.close()
            return
        retry = b"retry-after: 5\r\n" if status == 503 else b""
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            + retry
            + f"content-length: {len(message)}\r\n\r\n{message}".encode("ascii")
        )
        self.transport.write_eof()
        self._time("refused", _LINGER_SECONDS, self.transport.abort)

    def _time(self, name: str, seconds: float, late: Any) -> None:
        self._stop(name)
        self._timers[name] = self.loop.call_later(seconds, late)

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
