"""A headless Chromium that opens files one after the other and reports what it shows."""

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A new and empty profile that asks nothing of the network, also for root; sound goes nowhere.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
    "--autoplay-policy=no-user-gesture-required",
)
PAGE = Path(__file__).with_name("page.html")
STARTING_SECONDS, SHOWING_SECONDS, WAITING_SECONDS = 60.0, 30.0, 5.0


@dataclass(frozen=True)
class Seen:
    """What the page read back of a file. `fault` is why it could not be shown; `fields` the mean red, green and blue
    of eight by eight fields of its first picture, on white; `played` the seconds that have been played."""

    fault: str | None = None
    width: int = 0
    height: int = 0
    duration: float = 0.0
    played: float = 0.0
    fields: tuple[float, ...] = ()


def installed() -> str | None:
    """The path of the browser, where there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """`play` and `show` wait for the browser's answer; the first one waits for its start, too."""

    def __init__(self) -> None:
        self.wanted: queue.Queue[tuple[str, Path, str]] = queue.Queue()
        self.reported: queue.Queue[dict[str, Any]] = queue.Queue()
        self.serves: tuple[Path, str] = (Path(), "")

    def play(self, path: Path, kind: str, mime: str) -> Seen:
        """A video or an audio: from nothing until it can be played through, and then a little of it."""
        return self._ask(path, kind, mime)

    def show(self, path: Path, mime: str) -> Seen:
        """A picture."""
        return self._ask(path, "img", mime)

    def _ask(self, path: Path, element: str, mime: str) -> Seen:
        self.wanted.put((element, path, mime))
        answer = self.reported.get(timeout=STARTING_SECONDS)
        return Seen(**{**answer, "fields": tuple(answer.get("fields", ()))})


@contextmanager
def running(browser: str, profile: Path) -> Iterator[Chromium]:
    """One browser on one page, until the end of the block."""
    chromium = Chromium()
    with _serving(chromium) as address:
        words = [browser, *FLAGS, f"--user-data-dir={profile}", address]
        with (profile.parent / "chromium.log").open("wb") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        try:
            yield chromium
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _serving(chromium: Chromium) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.chromium = True, chromium
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """`/` is the page, `/next` what it shall open, `/file` that file, and `/seen` takes what it saw."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ConnectionResetError, BrokenPipeError):
            super().handle()

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/":
                self._say(200, "text/html", PAGE.read_bytes())
            case "/next":
                self._next()
            case "/file":
                self._file()
            case _:
                self._say(404, "text/plain", b"")

    def do_POST(self) -> None:
        self.server.chromium.reported.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._say(204, "text/plain", b"")

    def _next(self) -> None:
        try:
            element, path, mime = self.server.chromium.wanted.get(timeout=WAITING_SECONDS)
        except queue.Empty:
            self._say(200, "application/json", b"null")
            return
        self.server.chromium.serves = (path, mime)
        reported = {"element": element, "milliseconds": SHOWING_SECONDS * 1000}
        self._say(200, "application/json", json.dumps(reported).encode())

    def _file(self) -> None:
        path, mime = self.server.chromium.serves
        content = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self._say(200, mime, content)
            return
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        place = f"bytes {start}-{end}/{len(content)}"
        self._say(206, mime, content[start : end + 1], ("Content-Range", place))

    def _say(self, status: int, mime: str, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        reported = [("Content-Type", mime), ("Content-Length", str(len(content))), ("Accept-Ranges", "bytes")]
        for name, value in [*reported, ("Cache-Control", "no-store"), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: object) -> None:
        """Quiet."""
