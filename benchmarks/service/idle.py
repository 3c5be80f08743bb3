"""Processor time and memory of all processes of an idle `penstock up`.

Against `prefect server start` as it comes (on SQLite) with a stock worker, which have no API, no PostgreSQL and
nothing imported. Memory is PSS: shared memory counts once.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.harness.origin import pictures
from benchmarks.harness.process_usage import MB, cpu_seconds, own_cpu_seconds, proportional_bytes, usage
from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import START_SECONDS, STOCK, penstock_up, started, wait_until
from benchmarks.service.latency import one_by_one
from penstock.host.ports import bind_port

TITLE = "Idle"
SECONDS, SETTLING_SECONDS = 60, 20
BAR_MB, BAR_CORE = 250, 0.05
PEER = "`prefect server start` + stock worker"


@dataclass(frozen=True, slots=True)
class Idle:
    """Share of a core and megabytes of PSS of each part."""

    core: dict[str, float]
    megabytes: dict[str, float]


def rows(amount: Amount) -> list[Row]:
    with _penstock() as parts:
        ours = _watched(parts, amount)
    with _prefect_alone() as parts:
        theirs = _watched(parts, amount)
    mine, peer = sum(ours.megabytes.values()), sum(theirs.megabytes.values())
    busy, peer_busy = sum(ours.core.values()), sum(theirs.core.values())
    memory = Row(
        what="Idle: memory of all processes (PSS)",
        ours=f"{mine:.0f} MB",
        peer=PEER,
        peer_figure=f"{peer:.0f} MB",
        ratio=round(mine / peer, 2),
        spread=None,
        bar=f"≤ + {BAR_MB} MB",
        met=mine <= peer + BAR_MB,
        note=_text(ours.megabytes, "{:.0f}") + " MB",
    )
    processor = Row(
        what=f"Idle: processor over {amount.of(SECONDS, 5)} s, of one core",
        ours=f"{busy:.1%}",
        peer=PEER,
        peer_figure=f"{peer_busy:.1%}",
        ratio=round(busy / peer_busy, 2) if peer_busy else None,
        spread=None,
        bar=f"≤ {BAR_CORE:.0%}",
        met=busy <= BAR_CORE,
        note=_text(ours.core, "{:.1%}"),
    )
    return [memory, processor]


@contextmanager
def _penstock() -> Iterator[dict[str, int]]:
    """A service that has converted something before."""
    with TemporaryDirectory() as folder, pictures(Path(folder)) as requests, penstock_up() as running:
        one_by_one(running, requests, 3)
        yield {**running.parts(), "up": running.service.process}


@contextmanager
def _prefect_alone() -> Iterator[dict[str, int]]:
    with TemporaryDirectory() as name:
        with bind_port("127.0.0.1", 0, "--port") as place:
            folder, port = Path(name), str(place.port)
        url = f"http://127.0.0.1:{port}/api"
        plain = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PENSTOCK_"))}
        environment = plain | {"PREFECT_HOME": name, "PREFECT_API_URL": url, "DO_NOT_TRACK": "1"}
        server = ["-m", "prefect", "server", "start", "--port", port]
        with started(server, environment, folder / "server.log") as prefect:
            wait_until(lambda: _ready(url), START_SECONDS, prefect)
            log = folder / "worker.log"
            with started(STOCK, environment, log) as worker:
                wait_until(lambda: "started!" in log.read_text(), START_SECONDS, worker)
                yield {"Prefect": prefect.pid, "worker": worker.pid}


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", trust_env=False, timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _watched(parts: dict[str, int], amount: Amount) -> Idle:
    time.sleep(amount.of(SETTLING_SECONDS))
    seconds = amount.of(SECONDS, 5)
    before = {name: _own(name, process) for name, process in parts.items()}
    time.sleep(seconds)
    core = {name: (_own(name, process) - before[name]) / seconds for name, process in parts.items()}
    return Idle(core, {name: _megabytes(name, process) for name, process in parts.items()})


def _own(name: str, process: int) -> float:
    """What it has spent; `up` itself without its children, which stand for themselves."""
    return own_cpu_seconds(process) if name == "up" else cpu_seconds(process)


def _megabytes(name: str, process: int) -> float:
    return (usage(process).proportional if name == "up" else proportional_bytes(process)) / MB


def _text(figures: dict[str, float], shape: str) -> str:
    return ", ".join(f"{name} {shape.format(figure)}" for name, figure in figures.items())
