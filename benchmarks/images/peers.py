"""Who else converts pictures: each a warm process that is asked for one conversion at a time.

All of them run as nicely as our own children do (`nice -n 10`), so that a busy machine slows all alike."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx

_PEERS = Path(__file__).parents[1] / "peers"
_NICE = ("nice", "-n", "10")
_START_SECONDS = 60.0
_ANSWER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Wish:
    """One conversion; `width` of None keeps the size, `quality` is the encoder's own number."""

    source: str
    target: str
    format: str
    width: int | None
    quality: int


class Peer(Protocol):
    """Makes the wished file. Raises `RuntimeError` where it cannot."""

    def convert(self, wish: Wish) -> None: ...


@dataclass(frozen=True, slots=True)
class Lines:
    """A process that reads wishes and writes an answer, a line each."""

    process: subprocess.Popen[str]

    def convert(self, wish: Wish) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asdict(wish)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"fault": "it ended"}')
        if "fault" in answer:
            raise RuntimeError(answer["fault"])


@dataclass(frozen=True, slots=True)
class Thumbor:
    """A thumbor server that reads this disk, and is asked over HTTP."""

    http: httpx.Client

    def convert(self, wish: Wish) -> None:
        size = f"{wish.width}x0/" if wish.width else ""
        filters = f"filters:format({wish.format}):quality({wish.quality})"
        answer = self.http.get(f"/unsafe/{size}{filters}/{quote(wish.source.lstrip('/'))}")
        if answer.headers.get("content-type") != f"image/{wish.format}":
            raise RuntimeError(f"it answered {answer.status_code} {answer.headers.get('content-type')}")
        Path(wish.target).write_bytes(answer.content)


@contextmanager
def peers(room: Path) -> Iterator[dict[str, Peer | None]]:
    """All by name, None for those that cannot be had here."""
    with ExitStack() as stack:
        sharp = stack.enter_context(_lines("node", str(_PEERS / "sharp.js"))) if _has_sharp() else None
        pillow = stack.enter_context(_lines(sys.executable, "-m", "benchmarks.peers.pillow"))
        vips = stack.enter_context(_vips())
        yield {
            "sharp 0.35": sharp,
            "libvips, forked": vips,
            "bare Pillow": pillow,
            "thumbor": stack.enter_context(_thumbor(room)),
        }


def _has_sharp() -> bool:
    if not shutil.which("npm") or not shutil.which("node"):
        return False
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(_PEERS)]
    return subprocess.run(install, check=False, capture_output=True).returncode == 0


@contextmanager
def _vips() -> Iterator[Lines | None]:
    """From the package index, in an environment of its own."""
    if not shutil.which("uvx"):
        yield None
        return
    needs = ("--with", "pyvips", "--with", "pyvips-binary")
    with _lines("uvx", "--python", sys.executable, *needs, "python", str(_PEERS / "vips.py")) as vips:
        yield vips


@contextmanager
def _lines(*command: str) -> Iterator[Lines]:
    with subprocess.Popen([*_NICE, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Lines(process)
        finally:
            process.kill()


@contextmanager
def _thumbor(room: Path) -> Iterator[Thumbor | None]:
    """From the package index, in an environment of its own."""
    if not shutil.which("uvx"):
        yield None
        return
    port, settings = _free_port(), room / "thumbor.conf"
    settings.write_text(
        'ALLOW_UNSAFE_URL = True\nLOADER = "thumbor.loaders.file_loader"\nFILE_LOADER_ROOT_PATH = "/"\n'
        'STORAGE = "thumbor.storages.no_storage"\nMAX_PIXELS = 200000000\n'
    )
    command = [*_NICE, "uvx", "--python", sys.executable, "--from", "thumbor", "thumbor"]
    command += ["-i", "127.0.0.1", "-p", str(port), "-c", str(settings), "-l", "critical"]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_ANSWER_SECONDS, trust_env=False) as http,
    ):
        try:
            yield Thumbor(http) if _answers(http, process) else None
        finally:
            process.terminate()


def _answers(http: httpx.Client, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.TransportError):
            return http.get("/healthcheck").is_success
        time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
