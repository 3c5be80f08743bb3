"""What a conversion will weigh and take, by what came of others like it. Where there were too few, nothing is said."""

from dataclasses import dataclass

from penstock.domain.planning.estimate import Estimate

FEWEST = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """How often what came was larger than its estimate: the median, and between what four of five lie."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Experience:
    """What came of so many conversions of one family, as shares of what was estimated."""

    tasks: int
    bytes: Spread | None = None
    seconds: Spread | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """What is expected; four of five came out between `low` and `high`."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes of the output and seconds of work, with their errors; `tasks` is of how many ended ones it was learnt."""

    tasks: int
    bytes: Range | None
    seconds: Range | None


def forecast(rough: Estimate, experience: Experience) -> Forecast:
    """The rough estimate put right by experience."""
    known = experience if experience.tasks >= FEWEST else Experience(experience.tasks)
    return Forecast(known.tasks, _put_right(rough.bytes, known.bytes, 0), _put_right(rough.seconds, known.seconds, 2))


def _put_right(rough: float, spread: Spread | None, digits: int) -> Range | None:
    if spread is None or not rough:
        return None
    return Range(*(round(rough * share, digits) for share in (spread.middle, spread.low, spread.high)))
