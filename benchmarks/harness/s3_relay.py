"""A relay before an S3 server, which fails the next uploads in a given way."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

# "503": refused; "stall": nothing is read any more, nor answered; "reset": the connection breaks in the middle.
Fault = Literal["503", "stall", "reset"]
BLOCK_BYTES = 64 * 1024
BUSY = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
# SO_LINGER with no time: closing sends a reset.
RESET = struct.pack("ii", 1, 0)
END_TO_END = {"connection", "keep-alive", "transfer-encoding"}


class S3Relay(ThreadingHTTPServer):
    """Passes requests on; the next uploads fail as `fail` has said."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Relayed)
        self.server_at = urlsplit(endpoint).netloc
        self.failed = 0
        self._fault: Fault = "503"
        self._left = 0
        self._lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fail(self, fault: Fault, uploads: int) -> None:
        """Fail so many uploads from now on in this way; 0 ends it."""
        with self._lock:
            self._fault, self._left = fault, uploads

    def next_fault(self) -> Fault | None:
        """What happens to an upload that begins now."""
        with self._lock:
            if not self._left:
                return None
            self._left -= 1
            self.failed += 1
            return self._fault


class _Relayed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3Relay

    def do_PUT(self) -> None:
        match self.server.next_fault():
            case None:
                self._pass_on()
            case "503":
                self.rfile.read(self._length())
                self._answer(503, {"Content-Type": "application/xml"}, BUSY)
            case "stall":
                self.rfile.read(self._length() // 2)
                self.server.closing.wait()
                self.close_connection = True
            case "reset":
                self.rfile.read(self._length() // 2)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.connection.close()
                self.close_connection = True

    def _pass_on(self) -> None:
        server = http.client.HTTPConnection(self.server.server_at, timeout=60)
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":  # it is answered already
                server.putheader(name, value)
        server.endheaders(self.rfile.read(self._length()))
        answer = server.getresponse()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in END_TO_END}
        self._answer(answer.status, headers, answer.read())
        server.close()

    # http.server calls them by the method's name.
    do_GET = _pass_on  # noqa: N815
    do_HEAD = _pass_on  # noqa: N815
    do_POST = _pass_on  # noqa: N815
    do_DELETE = _pass_on  # noqa: N815

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _length(self) -> int:
        return int(self.headers.get("Content-Length", 0))


@contextmanager
def s3_relay(endpoint: str) -> Iterator[S3Relay]:
    """A relay before the server at this address."""
    with S3Relay(endpoint) as relay:
        thread = threading.Thread(target=relay.serve_forever)
        thread.start()
        try:
            yield relay
        finally:
            relay.closing.set()
            relay.shutdown()
            thread.join()
