"""The peers of the image benchmark: each is a warm process that gets one conversion at a time.

They have the priority of our own child processes (`nice -n 10`), so that a busy machine slows all equally."""

import json
import shutil
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

from benchmarks.harness.ports import free_port

_PEERS = Path(__file__).parents[1] / "peers"
_NICE = ("nice", "-n", "10")
_START_SECONDS = 60.0
_ANSWER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class PeerRequest:
    """One conversion; `width` of None keeps the size, `quality` is the encoder's own number."""

    source: str
    target: str
    format: str
    width: int | None
    quality: int


class Peer(Protocol):
    """Writes the requested file. Raises `RuntimeError` if it cannot."""

    def convert(self, peer_request: PeerRequest) -> None: ...


@dataclass(frozen=True, slots=True)
class LineProcess:
    """A process that reads one request a line and writes one result a line."""

    process: subprocess.Popen[str]

    def convert(self, peer_request: PeerRequest) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asdict(peer_request)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"fault": "it ended"}')
        if "fault" in answer:
            raise RuntimeError(answer["fault"])


@dataclass(frozen=True, slots=True)
class Thumbor:
    """A thumbor server that reads local files."""

    http: httpx.Client

    def convert(self, peer_request: PeerRequest) -> None:
        size = f"{peer_request.width}x0/" if peer_request.width else ""
        filters = f"filters:format({peer_request.format}):quality({peer_request.quality})"
        answer = self.http.get(f"/unsafe/{size}{filters}/{quote(peer_request.source.lstrip('/'))}")
        if answer.headers.get("content-type") != f"image/{peer_request.format}":
            raise RuntimeError(f"it answered {answer.status_code} {answer.headers.get('content-type')}")
        Path(peer_request.target).write_bytes(answer.content)


@contextmanager
def peers(scratch: Path) -> Iterator[dict[str, Peer | None]]:
    """All peers by name; None for those that are not available here."""
    with ExitStack() as stack:
        sharp = stack.enter_context(_lines("node", str(_PEERS / "sharp.js"))) if _has_sharp() else None
        pillow = stack.enter_context(_lines(sys.executable, "-m", "benchmarks.peers.pillow"))
        vips = stack.enter_context(_vips())
        yield {
            "sharp 0.35": sharp,
            "libvips, forked": vips,
            "bare Pillow": pillow,
            "thumbor": stack.enter_context(_thumbor(scratch)),
        }


def _has_sharp() -> bool:
    if not shutil.which("npm") or not shutil.which("node"):
        return False
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(_PEERS)]
    return subprocess.run(install, check=False, capture_output=True).returncode == 0


@contextmanager
def _vips() -> Iterator[LineProcess | None]:
    """From the package index, in its own environment."""
    if not shutil.which("uvx"):
        yield None
        return
    needs = ("--with", "pyvips", "--with", "pyvips-binary")
    with _lines("uvx", "--python", sys.executable, *needs, "python", str(_PEERS / "vips.py")) as vips:
        yield vips


@contextmanager
def _lines(*command: str) -> Iterator[LineProcess]:
    with subprocess.Popen([*_NICE, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield LineProcess(process)
        finally:
            process.kill()


@contextmanager
def _thumbor(scratch: Path) -> Iterator[Thumbor | None]:
    """From the package index, in its own environment."""
    if not shutil.which("uvx"):
        yield None
        return
    port, settings = free_port(), scratch / "thumbor.conf"
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
            yield Thumbor(http) if _is_up(http, process) else None
        finally:
            process.terminate()


def _is_up(http: httpx.Client, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.TransportError):
            return http.get("/healthcheck").is_success
        time.sleep(0.2)
    return False
