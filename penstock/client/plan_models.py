"""Plans as the service answers them: what a Task would do."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """What would be done to one stream, and why."""

    stream: str
    action: str
    codec: str
    because: str


@dataclass(frozen=True, kw_only=True)
class ExpectedRange:
    """The expected value; four of five earlier conversions lay between `low` and `high`."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Learnt from `tasks` earlier conversions; None where there are too few."""

    bytes: ExpectedRange | None = None
    seconds: ExpectedRange | None = None
    tasks: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanSource:
    """The input's facts. `bytes_read`: how many of its bytes were read for them."""

    kind: str
    format: str
    filesize: int
    bytes_read: int = 0
    codecs: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a Task of the same request would do."""

    input: str
    kind: str
    format: str
    plan: dict[str, Any]
    source: PlanSource
    steps: tuple[PlanStep, ...] = ()
    argv: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    codecs: str | None = None
    duration: float | None = None
    estimate: Estimate = field(default_factory=Estimate)
