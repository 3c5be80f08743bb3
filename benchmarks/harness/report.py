"""The results of a benchmark as rows against a peer: printed, and written as JSON for the tables."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours and of a peer. `ratio` is ours over the peer's; None if the peer is not available."""

    what: str
    ours: str
    peer: str
    peer_figure: str
    ratio: float | None
    spread: tuple[float, float] | None
    bar: str
    met: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of the measurement."""

    cores: int
    python: str
    cpu: str


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of one benchmark, on one machine, on one day. `points` are the single measurements."""

    title: str
    rows: Sequence[Row]
    machine: Machine
    date: str
    points: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours over a peer's, taken in each round, so that a slow machine changes both."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> tuple[float, float]:
        return (round(self.low, 2), round(self.high, 2))


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Median and quartiles of the ratios of the rounds."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Ratio(middle, low, high)


def reported(title: str, rows: Sequence[Row], points: Sequence[Any] = ()) -> Report:
    """A report with this machine and today's date."""
    return Report(title, rows, _this_machine(), datetime.now(UTC).date().isoformat(), points)


def _this_machine() -> Machine:
    return Machine(os.cpu_count() or 1, platform.python_version(), _cpu())


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def keep(report: Report, name: str) -> Path:
    """Write `results/NAME.json`; returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(_written(asdict(report)))
    return path


def _written(report: dict[str, Any]) -> str:
    """One line for each point, of which there may be hundreds."""
    points = report.pop("points")
    text = json.dumps(report, indent=1, ensure_ascii=False)
    lines = ",\n  ".join(json.dumps(point, ensure_ascii=False) for point in points)
    return f'{text[:-2]},\n "points": [\n  {lines}\n ]\n}}\n' if points else f"{text}\n"


def show(report: Report) -> None:
    print(f"{report.title} ({report.date}, {report.machine.cores} cores, {report.machine.cpu})")
    for row in report.rows:
        print(_line(row))


def _line(row: Row) -> str:
    ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    against = f"{row.peer:<22} {row.peer_figure:>16}"
    return f"{row.what:<44} {row.ours:>16}  {against} {ratio:>6} {row.bar:<8} {verdict:<6} {row.note}".rstrip()
