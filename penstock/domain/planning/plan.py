"""A plan as data: what is done to the input, and why. Made by `planner.plan_for`, carried out by `penstock.engines`."""

from dataclasses import dataclass, field

from penstock.domain.formats import AudioFormat, Fit, ImageFormat, VideoFormat
from penstock.domain.media import Size


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the input: `seconds` (None: to the end) from `start`, in seconds of the input's time."""

    start: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Framing:
    """How the output gets its size: scaled to `scaled`, then cropped or padded about the centre to `size`."""

    scaled: Size
    size: Size
    fit: Fit
    background: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A stream copied without re-encoding. `index` is its index in the input."""

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
    """The cover art, re-encoded at `size` so that it carries no hidden data."""

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
    """One frame of a video as an image: the one at `at` seconds, or a representative one (None)."""

    format: ImageFormat
    index: int
    framing: Framing
    quality: float
    at: float | None
    because: str


@dataclass(frozen=True, slots=True)
class GifPlan:
    """A video, or a part of it, as an animated gif."""

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
    """A re-encoded image or animation. `animated`: every frame is kept; else only the first. `flatten`: transparency is
    replaced by the background."""

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
    """An image or animation whose pixels are copied; only metadata is removed."""

    format: ImageFormat
    size: Size
    duration: float | None
    because: str
    cut: Cut = Cut()
    tags: dict[str, str] = field(default_factory=dict)


Plan = VideoPlan | AudioPlan | FramePlan | GifPlan | ImagePlan | KeepImage


def output_filename(plan: Plan) -> str:
    """The output's file name in the scratch folder."""
    return f"output.{plan.format}"


def needs_slot(plan: Plan) -> bool:
    """Whether the plan runs a video or audio encoder, and so needs an encoder slot. Copies and still images do not."""
    match plan:
        case VideoPlan():
            return isinstance(plan.video, EncodeVideo) or isinstance(plan.audio, EncodeAudio)
        case AudioPlan():
            return isinstance(plan.audio, EncodeAudio)
        case GifPlan():
            return True
        case FramePlan() | ImagePlan() | KeepImage():
            return False


def planned_size(plan: Plan) -> Size | None:
    """The output size in pixels; None for audio and for a copied video stream."""
    match plan:
        case VideoPlan(video=EncodeVideo(framing=framing)):
            return framing.size
        case FramePlan() | GifPlan() | ImagePlan():
            return plan.framing.size
        case KeepImage():
            return plan.size
        case VideoPlan() | AudioPlan():
            return None
