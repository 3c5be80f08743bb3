"""A web server on loopback: a small image under any number of URLs, and the files of a folder."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image

PICTURE = "picture.jpg"
SIZE = (640, 480)


@contextmanager
def serving(folder: Path, handler: type[SimpleHTTPRequestHandler] | None = None) -> Iterator[str]:
    """The URL of a server that has the files of this folder; query strings are ignored.

    `handler` is used instead of `Folder`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler or Folder, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def pictures(folder: Path) -> Iterator[Iterator[dict[str, object]]]:
    """Requests for thumbnails of small images, each with another URL."""
    picture = Image.effect_noise(SIZE, 40).convert("RGB")
    picture.save(folder / PICTURE, quality=85)
    with serving(folder) as address:
        yield ({"url": f"{address}/{PICTURE}?{number}", **THUMBNAIL} for number in range(10**9))


THUMBNAIL: dict[str, object] = {"kind": "image", "format": "webp", "width": 200}


class Folder(SimpleHTTPRequestHandler):
    """Files by name; HTTP/1.1, so that a fetch may keep its connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""
