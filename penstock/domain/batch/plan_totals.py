"""What a plan of a batch expects of each line, and of all together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penstock.domain.planning.cost import ExpectedRange

PlanAction = Literal["convert", "copy", "reuse"]
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class LineEstimate:
    """What would be done with one line. Bytes, and seconds of one place of a worker; a worker has so many `places`.

    The ranges are None for an input that cannot be planned from its header."""

    action: PlanAction
    bytes_in: int | None = None
    bytes_out: ExpectedRange | None = None
    seconds: ExpectedRange | None = None
    places: int = 1

    def as_result(self) -> dict[str, Any]:
        """The `result` of the line's item: the columns of a result manifest, with the ranges beside them."""
        times = {"seconds": self.seconds, "worker_seconds": self._worker_seconds}
        sizes = {f"bytes_out{end}": round(number) for end, number in _ends(self.bytes_out)}
        ranges = {f"{name}{end}": round(number, 4) for name, each in times.items() for end, number in _ends(each)}
        return {"action": self.action, "bytes_in": self.bytes_in} | sizes | ranges

    @property
    def _worker_seconds(self) -> ExpectedRange | None:
        """The share of the line in the time of a worker whose places are all busy."""
        if self.seconds is None:
            return None
        return ExpectedRange(*(number / self.places for _, number in _ends(self.seconds)))


@dataclass(frozen=True, slots=True)
class PlanTotals:
    """The sums of a planned batch. `actions` counts the lines to be converted, copied or reused, `refusals` the failed
    ones by code. `unestimated` lines have no size and time: the sums lack them.

    `seconds` are those of one place; `worker_seconds` those of one worker that uses all its places."""

    actions: Mapping[PlanAction, int]
    skipped: int
    refusals: Mapping[str, int]
    bytes_in: int
    bytes_out: ExpectedRange
    seconds: ExpectedRange
    worker_seconds: ExpectedRange
    unestimated: int = 0

    @property
    def files(self) -> int:
        """How many lines there are, skipped and refused ones too."""
        return sum(self.actions.values()) + self.skipped + sum(self.refusals.values())

    def hours(self, workers: int = 1) -> ExpectedRange:
        """The time until so many workers have converted the batch."""
        return ExpectedRange(*(number / _HOUR / workers for _, number in _ends(self.worker_seconds)))


def _ends(expected: ExpectedRange | None) -> tuple[tuple[str, float], ...]:
    if expected is None:
        return ()
    return ("", expected.expected), ("_low", expected.low), ("_high", expected.high)
