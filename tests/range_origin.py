"""An origin on loopback that serves byte ranges, or does not, and counts the bytes that it sends."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class RangeOrigin:
    """`files` by name. The first word of a path is how they are served: `parts`, `whole`, `unmeasured`, `changing`,
    `elsewhere` (another part than was asked for), `to` (a redirect) or `silent`."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str | None] = field(default_factory=list)
    sent: int = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.told = self.server.told
        self.told.asked.append(self.headers.get("Range"))
        manner, _, name = self.path[1:].partition("/")
        try:
            getattr(self, manner)(name)
        except KeyError:
            self.say(404, 0)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def parts(self, name):
        self.part(self.told.files[name], 0, '"v1"')

    def changing(self, name):
        self.part(self.told.files[name], 0, f'"v{len(self.told.asked)}"')

    def elsewhere(self, name):
        self.part(self.told.files[name], 1, '"v1"')

    def whole(self, name):
        content = self.told.files[name]
        self.say(200, len(content))
        self.give(content)

    def unmeasured(self, name):
        self.close_connection = True
        self.say(200, None)
        self.give(self.told.files[name])

    def to(self, name):
        self.say(302, 0, ("Location", name))

    def silent(self, _name):
        self.rfile.read(1)  # until whoever asks has gone
        self.close_connection = True

    def part(self, content, shift, etag):
        if self.headers["Range"] is None:
            self.say(200, len(content), ("Accept-Ranges", "bytes"), ("ETag", etag))
            self.give(content)
            return
        start, end = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        part = content[start + shift : end + 1 + shift]
        place = f"bytes {start + shift}-{start + shift + len(part) - 1}/{len(content)}"
        self.say(206, len(part), ("Content-Range", place), ("ETag", etag))
        self.give(part)

    def give(self, content):
        for place in range(0, len(content), 65_536):
            block = content[place : place + 65_536]
            self.told.sent += len(block)  # before it leaves: whoever was told all of it finds it counted
            self.wfile.write(block)

    def say(self, status, length, *headers):
        self.send_response(status)
        for name, value in [*headers, *([("Content-Length", str(length))] if length is not None else [])]:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *words):
        """Quiet."""

    def handle(self):
        with suppress(ConnectionResetError):  # whoever needs only the headers leaves
            super().handle()


@contextmanager
def running_range_origin() -> Iterator[RangeOrigin]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.told = True, RangeOrigin(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
