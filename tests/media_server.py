"""Small media files that tests make for themselves, and a web server that has them."""

import functools
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory) -> Path:
    """The folder that the web server serves."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def clip(media_folder) -> Path:
    """Two seconds of 640 × 360 with sound."""
    return made(media_folder / "clip.mp4", "testsrc2=size=640x360:rate=25:duration=2", "sine=frequency=440:duration=2")


@pytest.fixture(scope="session")
def long_video(media_folder) -> Path:
    """One minute, so that encoding takes a while: six seconds ten times."""
    reel = made(
        media_folder / "long-av.mp4", "testsrc2=size=1280x720:rate=25:duration=6", "sine=frequency=440:duration=6"
    )
    path = media_folder / "film.mp4"
    again = ["-stream_loop", "9", "-i", str(reel), "-c", "copy", "-movflags", "+faststart"]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *again, str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def tone(media_folder) -> Path:
    return made(media_folder / "tune.flac", "sine=frequency=440:duration=2")


@pytest.fixture(scope="session")
def photo(media_folder) -> Path:
    path = media_folder / "photo.png"
    Image.linear_gradient("L").resize((400, 300)).convert("RGB").save(path)
    return path


@pytest.fixture(scope="session")
def origin(media_folder) -> Iterator[str]:
    """The URL of a web server that has the files of `media_folder`."""
    with serving(media_folder) as address:
        yield address


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a web server that has the files of this folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(MediaHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class MediaHandler(SimpleHTTPRequestHandler):
    """Serves the folder; below `/stuck/` only the first two megabytes of a file arrive, and then nothing;
    below `/late/` a file's last byte comes two seconds after the others."""

    def do_GET(self):
        if self.path.startswith("/stuck/"):
            self.serve_the_beginning(Path(self.directory) / self.path.removeprefix("/stuck/"))
        elif self.path.startswith("/late/"):
            self.serve_late((Path(self.directory) / self.path.removeprefix("/late/")).read_bytes())
        else:
            super().do_GET()

    def serve_the_beginning(self, path):
        self.send_response(200)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.end_headers()
        self.wfile.write(path.read_bytes()[: 2 * 2**20])
        self.connection.settimeout(60)
        self.connection.recv(1)

    def serve_late(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:-1])
        time.sleep(2)
        self.wfile.write(content[-1:])

    def log_message(self, *_):
        """Quiet."""


def made(path: Path, *sources: str) -> Path:
    inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    fast = ["-preset", "ultrafast", "-movflags", "+faststart"] if path.suffix == ".mp4" else []
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, *fast, str(path)], check=True)
    return path
