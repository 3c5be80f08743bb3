"""The receipt of an output: what was made, with which tools, how it was verified, and what it cost."""

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
    """One stream of the output: start and duration in seconds, and how many frames the verification decoded."""

    codec: str
    start: float | None
    duration: float | None
    decoded: int


@dataclass(frozen=True, slots=True)
class Drift:
    """By how many seconds the audio starts and ends later, relative to the video, than in the input."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Score:
    """The visual similarity of output and input: `metric` over `frames` frames from `at` seconds on."""

    metric: str
    score: float
    frames: int
    at: float


@dataclass(frozen=True, slots=True)
class Checks:
    """The results of verifying the output."""

    streams: tuple[StreamFacts, ...]
    expected_duration: float | None
    drift: Drift | None
    quality: Score | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """How the output was made. `argv` has neutral file names; the seconds are those of encoding and verifying."""

    plan: dict[str, Any]
    argv: list[str]
    tools: dict[str, str]
    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class InputFacts:
    """The input that was converted; its size is in bytes."""

    filesize: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """`cost_class` and `estimate` are what later plans learn from."""

    input: InputFacts
    output: FileFacts
    checks: Checks
    work: Work
    cost_class: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt from the records. `body` is its JSON."""

    file_id: FileId
    task_id: TaskId
    project_id: ProjectId
    attempt: int
    made: datetime
    body: dict[str, Any]


def drift_of(source: Media, output: Media, cut: Cut) -> Drift | None:
    """The A/V drift between input and output; None unless both have video and audio."""
    before, after = _audio_delay(source, cut), _audio_delay(output, Cut())
    if before is None or after is None:
        return None
    return Drift(*(round(actual - expected, 3) for actual, expected in zip(after, before, strict=True)))


def _audio_delay(media: Media, cut: Cut) -> tuple[float, float] | None:
    """By how many seconds the audio starts and ends after the video."""
    if media.video is None or media.audio is None:
        return None
    (video_start, video_end), (audio_start, audio_end) = _span(media.video, cut), _span(media.audio, cut)
    return audio_start - video_start, audio_end - video_end


def _span(stream: VideoStream | AudioStream, cut: Cut) -> tuple[float, float]:
    """Start and end of a stream within the cut, in seconds."""
    end = stream.start + (stream.duration or 0.0)
    until = end if cut.seconds is None else min(end, cut.start + cut.seconds)
    return max(stream.start, cut.start) - cut.start, until - cut.start
