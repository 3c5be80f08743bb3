"""The decision, as data: what will be done to an original, and why. Made by `planning`, carried out by `engines`."""

from dataclasses import dataclass, field
from typing import Any

from penstock.domain.formats import AudioFormat, ImageFormat, VideoFormat
from penstock.domain.media import Size
from penstock.domain.request import Fit


@dataclass(frozen=True, slots=True)
class Cut:
    """From `start` for `seconds` (None: to the end) of the input's time."""

    start: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Framing:
    """How a picture reaches its size: scaled to `scaled`, then cropped or padded to `size` about the centre."""

    scaled: Size
    size: Size
    fit: Fit
    background: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A stream taken as it is. `index` is its place in the input."""

    index: int
    codec: str
    because: str


@dataclass(frozen=True, slots=True)
class EncodeVideo:
    index: int
    codec: str
    framing: Framing
    quality: float
    because: str


@dataclass(frozen=True, slots=True)
class EncodeAudio:
    index: int
    codec: str
    channels: int
    quality: float
    because: str


@dataclass(frozen=True, slots=True)
class VideoPlan:
    format: VideoFormat
    video: Copy | EncodeVideo
    audio: Copy | EncodeAudio | None
    cut: Cut
    duration: float | None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AudioPlan:
    format: AudioFormat
    audio: Copy | EncodeAudio
    cut: Cut
    duration: float | None
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FramePlan:
    """A video's still at `at` seconds (None: a representative frame)."""

    format: ImageFormat
    index: int
    framing: Framing
    quality: float
    at: float | None
    because: str


@dataclass(frozen=True, slots=True)
class GifPlan:
    """A video as an animated gif (or webp, should a request ever ask for it)."""

    format: ImageFormat
    index: int
    framing: Framing
    quality: float
    fps: float
    cut: Cut
    duration: float | None
    because: str


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """An image or an animation made into another. `animated` keeps every frame; else the first."""

    format: ImageFormat
    framing: Framing
    quality: float
    animated: bool
    flatten: bool
    frames: int
    duration: float | None
    cut: Cut
    because: str


Plan = VideoPlan | AudioPlan | FramePlan | GifPlan | ImagePlan


def summary(plan: Plan) -> dict[str, Any]:
    """What a Task says of its plan: per stream what is done, to what, and why."""
    raise NotImplementedError(plan)
