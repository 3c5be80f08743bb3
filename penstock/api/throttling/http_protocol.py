"""uvicorn's HTTP/1.1 protocol with limits on everything that a client may send before a request is accepted."""

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
# How long a rejected client may take to read the response; closing at once would reset the connection before it does.
_LINGER_SECONDS = 2.0
_INVALID = (400, "This is not an HTTP request.")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits on the head of a request, on connections and on unread responses."""

    connections: int
    connections_per_address: int
    head_bytes: int
    head_fields: int
    line_bytes: int
    head_seconds: float
    unread_seconds: float


class TrustedProxies(Protocol):
    """The proxies whose X-Forwarded-For is believed."""

    def __contains__(self, address: str | None, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class ConnectionCounter:
    """Counts the open connections. For the addresses of `proxies` only the total is limited: they carry many
    clients."""

    limits: ConnectionLimits
    proxies: TrustedProxies
    by_address: Counter[str] = field(default_factory=Counter)

    def add(self, address: str) -> bool:
        """Count a connection. False: there are too many, and it is not counted."""
        from_address, total = self.by_address[address], self.by_address.total()
        fits = address in self.proxies or from_address < self.limits.connections_per_address
        if accepted := fits and total < self.limits.connections:
            self.by_address[address] += 1
        return accepted

    def remove(self, address: str) -> None:
        self.by_address[address] -= 1
        if not self.by_address[address]:
            del self.by_address[address]


class HttpProtocol(HttpToolsProtocol):
    """One connection. A client that exceeds a limit gets a plain-text response and is disconnected: there is no request
    yet for an envelope."""

    cycle: Any  # None before the first request

    def __init__(self, *arguments: Any, counter: ConnectionCounter, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._counter, self._limits = counter, counter.limits
        self._address = ""
        self._head: bytearray | None = bytearray()  # of the next request, until it is complete
        self._counted = self._complete = self._rejected = self._progressed = False
        self._unparsed_bytes = 0
        self._error = _INVALID
        self._timers: dict[str, TimerHandle] = {}

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._counted = self._counter.add(self._address)
        if not self._counted:
            self._reject(503, "There are too many connections; try again later.")
        self._start_timer("head", self._limits.head_seconds, self._on_head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._counted:
            self._counter.remove(self._address)
        for name in tuple(self._timers):
            self._stop_timer(name)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._rejected:
            return
        self._unset_keepalive_if_required()
        if self._head is None:
            self._feed(data)
        elif head := self._collect_head(data):
            self._head = None
            self._feed(head)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._complete, self._progressed = None, False, True
        if "head" not in self._timers:  # it follows a body in the same data, so it was not collected
            self._start_timer("head", self._limits.head_seconds, self._on_head_timeout)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.line_bytes:
            self._stop_parser(414, f"The address of a request may have at most {self._limits.line_bytes:,} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self._limits.head_fields:
            self._stop_parser(431, f"A request may have at most {self._limits.head_fields} headers.")

    def on_headers_complete(self) -> None:
        self._progressed = True
        self._stop_timer("head")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._progressed = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._complete, self._progressed, self._head = True, True, bytearray()
        self._stop_timer("unread")

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._complete and not self.transport.is_closing():
            self._start_timer("unread", _LINGER_SECONDS, self._close_if_idle)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader(self._unread_bytes())

    def resume_writing(self) -> None:
        self._stop_timer("unread response")
        super().resume_writing()

    def _watch_reader(self, before: int) -> None:
        """Abort the connection if the client reads nothing of a response for `unread_seconds`; slow readers are
        served."""

        def check() -> None:
            left = self._unread_bytes()
            if left < before:
                self._watch_reader(left)
            else:
                self.transport.abort()

        self._start_timer("unread response", self._limits.unread_seconds, check)

    def _unread_bytes(self) -> int:
        """Bytes of responses that the client has not acknowledged, those in the kernel's send buffer included: the
        kernel accepts more only when a third of it, up to a megabyte, is free."""
        unread = self.transport.get_write_buffer_size()
        with suppress(OSError):  # the system does not support it
            queued = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
            unread += int.from_bytes(queued, sys.byteorder)
        return unread

    def _close_if_idle(self) -> None:
        """Close a connection whose client still sends the body of an answered request, unless a later request runs."""
        if self.cycle.response_complete:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        del msg
        self._reject(*_INVALID)

    def _collect_head(self, data: bytes) -> bytes | None:
        """The complete head of the next request with what follows it, or None while it is incomplete."""
        if not self._head:
            self._start_timer("head", self._limits.head_seconds, self._on_head_timeout)
        head = self._head = self._head if self._head is not None else bytearray()
        searched = max(0, len(head) - len(_END))
        head += data
        end = head.find(_END, searched)
        if max(end, 0 if end >= 0 else len(head)) > self._limits.head_bytes:
            self._reject(431, f"The headers of a request may have at most {self._limits.head_bytes:,} bytes.")
        if end < 0 or self._rejected:
            return None
        # We support no upgrade and may ignore the header (RFC 9110 §7.8); the parser would stop before the body.
        return _UPGRADE.sub(b"\r\nx-upgrade:", bytes(head[: end + 2])) + bytes(head[end + 2 :])

    def _feed(self, data: bytes) -> None:
        self._progressed = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._reject(*self._error)
        # Headers that follow another request or a body are reported by the parser only when they are complete.
        self._unparsed_bytes = 0 if self._progressed else self._unparsed_bytes + len(data)
        if self._unparsed_bytes > self._limits.head_bytes:
            self._reject(431, f"The headers of a request may have at most {self._limits.head_bytes:,} bytes.")

    def _stop_parser(self, status: int, message: str) -> None:
        self._error = (status, message)
        raise ValueError(message)  # stops the parser; `_feed` sends the response

    def _on_head_timeout(self) -> None:
        self._reject(408, f"The headers of a request must arrive within {self._limits.head_seconds:g} s.")

    def _reject(self, status: int, message: str) -> None:
        """Send the reason, read no more, and close."""
        if self._rejected or self.transport.is_closing():
            return
        self._rejected = True
        if self.cycle and not self.cycle.response_complete:  # a response is being sent: nothing may be inserted
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
        self._start_timer("rejected", _LINGER_SECONDS, self.transport.abort)

    def _start_timer(self, name: str, seconds: float, callback: Any) -> None:
        self._stop_timer(name)
        self._timers[name] = self.loop.call_later(seconds, callback)

    def _stop_timer(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
