"""What people wait for before anything is converted, in units of `python -c "import prefect"` on the same machine.

Everything is the wall time of a command as a user types it, in turns with its unit, so that a slow machine changes
both. A fresh home has nothing but the installed packages, with their bytecode: an installation by pip has it, one by
uv after the first use.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from PIL import Image

from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import START_SECONDS, wait_until
from penstock.host.home import Home
from penstock.host.ports import bind_port

TITLE = "The start"
MB = 10**6
MEMORY_BAR_MB = 450
LOOP = 10
SETTLING_SECONDS = 25
REFUSED_SIZE = "9000"
LIGHT = ("--help", "formats", "plan", "refusal")


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured, beside what, and the most that the ratio may be."""

    name: str
    what: str
    bar: float | None
    peer: str = "unit"


PEERS = {"unit": "`import prefect`", "prefect": "`prefect server start` (SQLite), fresh, until it is healthy"}
FIGURES = (
    Figure("--help", "`penstock --help`", 0.1),
    Figure("formats", "`penstock formats`", 0.1),
    Figure("plan", "`penstock plan` of a small picture", 0.3),
    Figure("refusal", "a refusal by `convert` (upscale), nothing running", 0.4),
    Figure("first", "first `convert` of a small picture, fresh home", 2.0),
    Figure("first", "the same", 1.0, "prefect"),
    Figure("next", "the next `convert`, while the service lingers", 0.35),
    Figure("loop", f"each of {LOOP} in a shell loop", 0.3),
    Figure("again", "`convert` on a home whose service has ended", None),
    Figure("up", "`penstock up`, fresh home, until it takes work", 1.5, "prefect"),
)


@dataclass
class Round:
    """Seconds of each thing, and of the unit measured beside it; bytes of the service that lingers."""

    seconds: dict[str, float] = field(default_factory=dict)
    memory: int = 0


def rows(amount: Amount) -> list[Row]:
    _write_bytecode()
    measured = [_round(amount) for _ in range(amount.rounds)]
    return [*(_row(figure, measured) for figure in FIGURES), _memory_row([each.memory for each in measured])]


def _write_bytecode() -> None:
    """By using everything once."""
    _imported()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        for name in LIGHT:
            place.light(name)
        place.prefect_server()
        place.converted()
        place.stop()


def _round(amount: Amount) -> Round:
    with tempfile.TemporaryDirectory() as folder:
        place, found = Place(Path(folder)), Round()
        seconds = found.seconds
        seconds["unit"] = statistics.median(_imported() for _ in range(3))
        seconds |= {name: place.light(name) for name in LIGHT}
        seconds["prefect"] = place.prefect_server()
        seconds["first"] = place.converted()
        seconds["next"] = place.converted()
        seconds["loop"] = statistics.fmean(place.converted() for _ in range(amount.of(LOOP, 3)))
        found.memory = place.memory()
        place.stop()
        seconds["again"] = place.converted()
        place.stop()
        seconds["up"] = place.up()
        return found


def _imported() -> float:
    return _seconds([sys.executable, "-c", "import prefect"])


def _seconds(command: Sequence[str], exit_code: int = 0) -> float:
    begun = time.monotonic()
    done = subprocess.run(command, env=_plain(), capture_output=True, text=True, check=False)
    if done.returncode != exit_code:
        raise RuntimeError(f"{command}: {done.stderr}")
    return time.monotonic() - begun


def _plain(**more: str) -> dict[str, str]:
    """Without PYTHONDONTWRITEBYTECODE: then every command would compile its modules anew."""
    hidden = ("PENSTOCK_", "PREFECT_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | more


@dataclass
class Place:
    """A folder with a picture and a home. Each conversion asks for another size, so that none is reused."""

    folder: Path
    width: int = 100

    def __post_init__(self) -> None:
        Image.effect_noise((640, 480), 40).convert("RGB").save(self.folder / "picture.jpg", quality=85)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def light(self, name: str) -> float:
        """Seconds of a command that needs no service."""
        if name == "plan":
            return _seconds(self._command("plan", *self._files(), "--width", "99"))
        if name == "refusal":
            words = [*self._files(), "--width", REFUSED_SIZE, "--no-linger", "--home", str(self.folder / "none")]
            return _seconds([sys.executable, "-m", "penstock", "convert", *words], exit_code=1)
        return _seconds(self._command(name))

    def converted(self) -> float:
        self.width += 1
        return _seconds(self._command("convert", *self._files(), "-y", "--width", str(self.width)))

    def memory(self) -> int:
        """Bytes (PSS) of the service while it lingers, after the time in which it closes unused connections."""
        time.sleep(SETTLING_SECONDS)
        told = subprocess.run(self._command("status", "--json"), env=_plain(), capture_output=True, check=True).stdout
        return int(json.loads(told)["memory_total"])

    def stop(self) -> None:
        _seconds(self._command("stop"))

    def up(self) -> float:
        home = Home(self.folder / "other")
        command = [
            sys.executable,
            "-m",
            "penstock",
            "up",
            "--home",
            str(home.root),
            "--port",
            "0",
            "--prefect-port",
            "0",
        ]
        with _running(command, _plain()) as (process, begun):
            wait_until(lambda: home.running_service() is not None, START_SECONDS, process)
            return time.monotonic() - begun

    def prefect_server(self) -> float:
        """`prefect server start` with a database of its own (SQLite), until `/api/health` answers."""
        with bind_port("127.0.0.1", 0, "--port") as free:
            port = free.port
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
        with _running(command, _plain(PREFECT_HOME=str(self.folder / "prefect"))) as (process, begun):
            wait_until(_answers(f"http://127.0.0.1:{port}/api/health"), START_SECONDS, process)
            return time.monotonic() - begun

    def _command(self, *words: str) -> list[str]:
        needs_home = words[0] in ("convert", "status", "stop")
        return [sys.executable, "-m", "penstock", *words, *(["--home", str(self.home)] if needs_home else [])]

    def _files(self) -> tuple[str, str]:
        return str(self.folder / "picture.jpg"), str(self.folder / "picture.webp")


def _answers(url: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return httpx.get(url, trust_env=False, timeout=2.0).is_success
        except httpx.HTTPError:
            return False

    return answers


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process, begun
    finally:
        process.terminate()
        process.wait(60)


def _row(figure: Figure, measured: Sequence[Round]) -> Row:
    ours, theirs = ([each.seconds[name] for each in measured] for name in (figure.name, figure.peer))
    ratio = paired(ours, theirs)
    return Row(
        what=figure.what,
        ours=f"{statistics.median(ours):.2f} s",
        peer=PEERS[figure.peer],
        peer_figure=f"{statistics.median(theirs):.2f} s",
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar="" if figure.bar is None else f"≤ {figure.bar}",
        met=None if figure.bar is None else round(ratio.median, 2) <= figure.bar,
    )


def _memory_row(found: Sequence[int]) -> Row:
    size = statistics.median(found) / MB
    return Row(
        what="memory of the service while it lingers (PSS)",
        ours=f"{size:.0f} MB",
        peer="none",
        peer_figure="",
        ratio=None,
        spread=None,
        bar=f"≤ {MEMORY_BAR_MB} MB",
        met=size <= MEMORY_BAR_MB,
    )
