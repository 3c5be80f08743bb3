"""An origin on loopback that serves a file correctly, and in every way that goes wrong."""

import io
import random
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE = random.Random(0).randbytes(5 * 2**19)
LONG = random.Random(1).randbytes(6 * 2**20)
SMALL = b"a small file"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        name, _, self.rest = self.path[1:].partition("/")
        self.close_connection = True
        try:
            getattr(self, name.replace("-", "_"))()
        except (BrokenPipeError, ConnectionResetError):
            self.server.left.set()

    def file(self):
        self.say(200, FILE)

    def small(self):
        self.say(200, SMALL)

    def empty(self):
        self.say(200, b"")

    def long(self):
        self.say(200, LONG)

    def no_parts(self):
        self.say(200, LONG, [("Accept-Ranges", "none")])

    def parts(self):
        dated = ("Last-Modified", "Sat, 31 Jan 2026 15:00:00 GMT")
        wanted = self.headers.get("Range")
        if wanted is None or self.rest == "whole":
            self.say(200, LONG, [("Accept-Ranges", "bytes"), ("ETag", '"v1"'), dated])
            return
        start, end = (int(place) for place in wanted.removeprefix("bytes=").split("-"))
        place = f"bytes {start}-{end}/{len(LONG)}"
        etag = {"changed": '"v2"'}.get(self.rest, '"v1"')
        other = ("Last-Modified", "Sun, 01 Feb 2026 15:00:00 GMT") if self.rest == "redated" else dated
        self.say(206, LONG[start : end + 1], [("Content-Range", place), ("ETag", etag), other])

    def status(self):
        self.say(int(self.rest), b"no")

    def to(self):
        self.head(302, 0, [("Location", self.rest)])

    def hop(self):
        self.head(302, 0, [("Location", f"/hop/{int(self.rest) - 1}" if int(self.rest) else "/small")])

    def circle(self):
        self.head(302, 0, [("Location", "/circle/")])

    def nowhere(self):
        self.head(302, 0, [])

    def slow_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.ended.wait(0.05):
            self.wfile.write(b"X-More: words\r\n")

    def slow_body(self):
        self.head(200, 10**6)
        while not self.server.ended.wait(0.05):
            self.wfile.write(b".")

    def hesitates(self):
        self.head(200, len(FILE))
        self.wfile.write(FILE[: 2**20])
        self.server.ended.wait(0.6)
        self.wfile.write(FILE[2**20 :])

    def hesitates_unannounced(self):
        self.head(200, None)
        self.wfile.write(FILE[: 2**20])
        self.server.ended.wait(0.6)
        self.wfile.write(FILE[2**20 :])

    def silent(self):
        self.server.ended.wait(30)

    def endless(self):
        self.head(200, None)
        while not self.server.ended.is_set():
            self.wfile.write(bytes(2**16))

    def announces_more(self):
        self.head(200, 100)
        self.wfile.write(b"only this")

    def announces_less(self):
        self.head(200, 4)
        self.wfile.write(b"four and more")

    def announces_twice(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nfour")

    def huge(self):
        self.head(200, 10**12)

    def cut_chunk(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf")

    def chunked(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n")

    def reset(self):
        self.head(200, 100)
        self.wfile.write(b"some")
        self.wfile.flush()
        self.connection.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER of 0 seconds: close by a reset
        self.connection.close()
        self.wfile = io.BytesIO()

    def closes(self):
        pass

    def no_http(self):
        self.wfile.write(b"220 smtp.example ready\r\n")

    def gzip(self):
        self.say(200, SMALL, [("Content-Encoding", "gzip")])

    def html(self):
        self.say(200, b"<!doctype html><p>Sign in", [("Content-Type", "text/html")])

    def headers_of_request(self):
        self.say(200, str(self.headers).encode())

    def say(self, status, body, headers=()):
        self.head(status, len(body), headers)
        self.wfile.write(body)

    def head(self, status, length, headers=()):
        self.send_response(status)
        for name, value in [*headers, *([("Content-Length", str(length))] if length is not None else [])]:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *words):
        pass


@contextmanager
def running():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.asked = True, []
    server.ended, server.left = threading.Event(), threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
