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
class CoverPlan:
    """The picture that goes with a sound or a film, made anew at `size` so that nothing hides in it."""

    index: int
    size: Size


@dataclass(frozen=True, slots=True)
class VideoPlan:
    format: VideoFormat
    video: Copy | EncodeVideo
    audio: Copy | EncodeAudio | None
    cut: Cut
    duration: float | None
    tags: dict[str, str] = field(default_factory=dict)
    cover: CoverPlan | None = None


@dataclass(frozen=True, slots=True)
class AudioPlan:
    format: AudioFormat
    audio: Copy | EncodeAudio
    cut: Cut
    duration: float | None
    tags: dict[str, str] = field(default_factory=dict)
    cover: CoverPlan | None = None


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
    """A stretch of a video as an animated gif."""

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
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeepImage:
    """A picture or an animation taken as it is; only what does not show is left out."""

    format: ImageFormat
    size: Size
    duration: float | None
    because: str
    cut: Cut = Cut()
    tags: dict[str, str] = field(default_factory=dict)


Plan = VideoPlan | AudioPlan | FramePlan | GifPlan | ImagePlan | KeepImage


def filename(plan: Plan) -> str:
    """The name that the output has in its room."""
    return f"output.{plan.format}"


def needs_slot(plan: Plan) -> bool:
    """Whether a video or audio encoder runs; copies and stills are too cheap to wait for one."""
    match plan:
        case VideoPlan():
            return isinstance(plan.video, EncodeVideo) or isinstance(plan.audio, EncodeAudio)
        case AudioPlan():
            return isinstance(plan.audio, EncodeAudio)
        case GifPlan():
            return True
        case FramePlan() | ImagePlan() | KeepImage():
            return False


def size_of(plan: Plan) -> Size | None:
    """The size that the output is made at; None for audio, and for a picture that is copied as it is."""
    match plan:
        case VideoPlan(video=EncodeVideo(framing=framing)):
            return framing.size
        case FramePlan() | GifPlan() | ImagePlan():
            return plan.framing.size
        case KeepImage():
            return plan.size
        case VideoPlan() | AudioPlan():
            return None


def summary(plan: Plan) -> dict[str, Any]:
    """What a Task says of its plan: per stream what is done, to what, and why."""
    match plan:
        case VideoPlan():
            return {"format": plan.format, "video": _stream(plan.video), "audio": _stream(plan.audio)}
        case AudioPlan():
            return {"format": plan.format, "audio": _stream(plan.audio)}
        case FramePlan():
            moment = "a representative frame" if plan.at is None else f"the frame at {plan.at:g} s"
            return {"format": plan.format, "image": f"{moment} as {_picture(plan)}, because {plan.because}"}
        case GifPlan():
            made = f"encode {_picture(plan)} at {plan.fps:g} frames a second, because {plan.because}"
            return {"format": plan.format, "image": made}
        case ImagePlan():
            return {"format": plan.format, "image": f"render {_picture(plan)}, because {plan.because}"}
        case KeepImage():
            kept = f"copy {plan.format} {_pixels(plan.size)}, because {plan.because}"
            return {"format": plan.format, "image": kept}


def _stream(step: Copy | EncodeVideo | EncodeAudio | None) -> str | None:
    match step:
        case Copy():
            return f"copy {step.codec}, because {step.because}"
        case EncodeVideo():
            return f"encode {step.codec} {_pixels(step.framing.size)}, because {step.because}"
        case EncodeAudio():
            return f"encode {step.codec} with {step.channels} channels, because {step.because}"
        case None:
            return None


def _picture(plan: FramePlan | GifPlan | ImagePlan) -> str:
    return f"{plan.format} {_pixels(plan.framing.size)}"


def _pixels(size: Size) -> str:
    return f"{size.width}x{size.height}"
