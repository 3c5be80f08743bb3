"""What an encoder would spend at a score that it was not measured at, between the points where it was."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """One encode: its score on one scale, its bytes, its processor and wall seconds."""

    score: float
    bytes: float
    cpu: float
    wall: float


def at_score(score: float, points: Sequence[Point]) -> Point:
    """Between the two measured scores around it, or on from the two nearest: bytes grow by factors, seconds by sums."""
    low, high = _around(score, sorted(points, key=lambda point: point.score))
    share = (score - low.score) / (high.score - low.score or 1.0)
    return Point(
        score,
        math.exp(_between(math.log(low.bytes), math.log(high.bytes), share)),
        _between(low.cpu, high.cpu, share),
        _between(low.wall, high.wall, share),
    )


def reaches(score: float, points: Sequence[Point]) -> bool:
    """Whether the score lies between measured ones."""
    scores = [point.score for point in points]
    return min(scores) <= score <= max(scores)


def _around(score: float, rising: Sequence[Point]) -> tuple[Point, Point]:
    above = next((place for place, point in enumerate(rising) if point.score > score), len(rising) - 1)
    place = max(1, above)
    return rising[place - 1], rising[place]


def _between(low: float, high: float, share: float) -> float:
    return low + share * (high - low)
