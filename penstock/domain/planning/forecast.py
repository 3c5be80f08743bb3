"""What a conversion will weigh and take, by what came of others like it. Where there were too few, nothing is said."""

from dataclasses import dataclass

from penstock.domain.planning.estimate import Estimate

MIN_TASKS = 3


@dataclass(frozen=True, slots=True)
class RatioSpread:
    """How often what came was larger than its estimate: the median, and between what four of five lie."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class CostHistory:
    """What came of so many conversions of one family, as shares of what was estimated."""

    tasks: int
    bytes: RatioSpread | None = None
    seconds: RatioSpread | None = None


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """What is expected; four of five came out between `low` and `high`."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes of the output and seconds of work, with their errors; `tasks` is of how many ended ones it was learnt."""

    tasks: int
    bytes: ExpectedRange | None
    seconds: ExpectedRange | None


def forecast(rough: Estimate, experience: CostHistory) -> Forecast:
    """The rough estimate put right by experience."""
    known = experience if experience.tasks >= MIN_TASKS else CostHistory(experience.tasks)
    return Forecast(known.tasks, _put_right(rough.bytes, known.bytes, 0), _put_right(rough.seconds, known.seconds, 2))


def _put_right(rough: float, spread: RatioSpread | None, digits: int) -> ExpectedRange | None:
    if spread is None or not rough:
        return None
    return ExpectedRange(*(round(rough * share, digits) for share in (spread.middle, spread.low, spread.high)))
