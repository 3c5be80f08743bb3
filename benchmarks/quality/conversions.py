"""One conversion by our own engine, planned as a request is planned, and what it cost."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.domain.formats import Format, kind_of
from penstock.domain.planning.plan import Plan
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, encode
from penstock.sandbox.supervise import Exit


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes of an output; processor and wall seconds of the child that made it."""

    bytes: int
    cpu: float
    wall: float


@dataclass(slots=True)
class _Counting:
    """Hears what children spent."""

    cpu: float = 0.0

    def progress(self, percent: int) -> None:
        """Nobody looks."""

    def stopped(self) -> bool:
        return False

    def ended(self, ended: Exit) -> None:
        self.cpu += ended.cpu_seconds


def planned(source: MediaFile, target: Format, tools: Tools, **fields: Any) -> Plan:
    """What the service would do for this request."""
    wanted = {"url": "https://example.com/input", "kind": kind_of(target), "format": target, **fields}
    return plan_for(parse_request(wanted), source.media, tools.limits)


def converted(plan: Plan, source: MediaFile, scratch: Path, tools: Tools) -> tuple[Path, Cost]:
    """The output, in the room, in place of an earlier one."""
    scratch.mkdir(exist_ok=True)
    watch, began = _Counting(), time.perf_counter()
    path = encode(plan, source, scratch, tools, watch)
    return path, Cost(path.stat().st_size, round(watch.cpu, 3), round(time.perf_counter() - began, 3))
