"""The receipt of an output: what was made, how it was checked before anybody saw it, with what, and at what cost."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.ids import FileId, ProjectId, TaskId
from penstock.domain.media import AudioStream, Media, VideoStream
from penstock.domain.planning.cost import Estimate
from penstock.domain.planning.plan import Cut
from penstock.domain.task import FileFacts


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One stream of the output: seconds of its time, and the frames that were decoded to see that it plays."""

    codec: str
    start: float | None
    duration: float | None
    decoded: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How much later the sound begins and ends, against the picture, than it does in the input. Seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Score:
    """How like the input the output looks: `metric` over so many frames from `at` seconds on."""

    metric: str
    score: float
    frames: int
    at: float


@dataclass(frozen=True, slots=True)
class Checks:
    """What was read back from the output's bytes, and what had been expected of them."""

    streams: tuple[StreamFacts, ...]
    expected_duration: float | None
    drift: Drift | None
    quality: Score | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """How the output was made. `argv` has neutral names; seconds are of encoding and checking, not of waiting."""

    plan: dict[str, Any]
    argv: list[str]
    tools: dict[str, str]
    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """`cost_class` and `estimate` are what later plans learn from."""

    output: FileFacts
    checks: Checks
    work: Work
    cost_class: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt as it was kept: of which file, task and attempt, and when. `body` is its JSON."""

    file_id: FileId
    task_id: TaskId
    project_id: ProjectId
    attempt: int
    made: datetime
    body: dict[str, Any]


def drift_of(source: Media, output: Media, cut: Cut) -> Drift | None:
    """None where there is not both a picture and a sound to compare."""
    before, after = _lag(source, cut), _lag(output, Cut())
    if before is None or after is None:
        return None
    return Drift(*(round(late - meant, 3) for late, meant in zip(after, before, strict=True)))


def _lag(media: Media, cut: Cut) -> tuple[float, float] | None:
    if media.video is None or media.audio is None:
        return None
    (seen, unseen), (heard, unheard) = _placed(media.video, cut), _placed(media.audio, cut)
    return heard - seen, unheard - unseen


def _placed(stream: VideoStream | AudioStream, cut: Cut) -> tuple[float, float]:
    """From when to when a stream lasts within the cut."""
    end = stream.start + (stream.duration or 0.0)
    until = end if cut.seconds is None else min(end, cut.start + cut.seconds)
    return max(stream.start, cut.start) - cut.start, until - cut.start
