"""The cost of a plan: bytes of output and seconds of work, estimated from our encoders' usual rates and corrected by
what earlier conversions of the same class cost."""

from dataclasses import dataclass

from penstock.domain.media import Media
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    EncodeAudio,
    EncodeVideo,
    FramePlan,
    GifPlan,
    ImagePlan,
    KeepImage,
    Plan,
    VideoPlan,
    planned_size,
)
from penstock.domain.planning.quality import QualityScale, audio_kbps, interpolated, video_kbps

# Bits per pixel at each of the six measured qualities.
_BITS_PER_PIXEL = {
    "jpeg": QualityScale((0.42, 0.6, 0.8, 1.2, 2.0, 4.5), 0.1, 24, whole=False),
    "webp": QualityScale((0.34, 0.5, 0.8, 1.3, 1.85, 10.3), 0.1, 24, whole=False),
    "png": QualityScale((1.6, 2.2, 3.0, 3.8, 12.9, 12.9), 0.1, 24, whole=False),
    "gif": QualityScale((1.5, 2.0, 2.6, 3.0, 3.5, 4.0), 0.1, 8, whole=False),
}
# Processor seconds per million pixels, decoding and scaling included.
_MEGAPIXEL_SECONDS = {"h264": 0.04, "vp9": 0.16, "mpeg4": 0.016, "jpeg": 0.1, "webp": 0.2, "png": 0.6, "gif": 0.1}
_MAX_LOSSLESS_HERTZ = 192_000
_LOSSLESS_BITS_PER_SAMPLE = {"pcm_s16le": 16.0, "flac": 9.0}
_AUDIO_SECONDS_PER_SECOND = 0.01
_MIN_SECONDS = 0.2
_DEFAULT_FPS = 25

# A forecast needs at least this many earlier conversions.
MIN_TASKS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """`bytes` of output; `seconds` of work of one processor."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RatioSpread:
    """The ratio of actual to estimated cost: the 10th percentile, the median and the 90th percentile."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class CostHistory:
    """The ratios of actual to estimated cost over the last `tasks` conversions of one cost class."""

    tasks: int
    bytes: RatioSpread | None = None
    seconds: RatioSpread | None = None


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """The expected value; four of five earlier conversions lay between `low` and `high`."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected bytes of output and seconds of work, learnt from `tasks` earlier conversions."""

    tasks: int
    bytes: ExpectedRange | None
    seconds: ExpectedRange | None


def forecast(estimate: Estimate, history: CostHistory) -> Forecast:
    """The estimate corrected by the history; its ranges are None where there are too few conversions to learn from."""
    known = history if history.tasks >= MIN_TASKS else CostHistory(history.tasks)
    return Forecast(
        known.tasks, _corrected(estimate.bytes, known.bytes, 0), _corrected(estimate.seconds, known.seconds, 2)
    )


def forecast_of_reuse(filesize: int) -> Forecast:
    """Nothing is encoded, and the size of the output is known."""
    return Forecast(1, ExpectedRange(filesize, filesize, filesize), ExpectedRange(0.0, 0.0, 0.0))


def _corrected(value: float, spread: RatioSpread | None, digits: int) -> ExpectedRange | None:
    if spread is None or not value:
        return None
    return ExpectedRange(*(round(value * ratio, digits) for ratio in (spread.middle, spread.low, spread.high)))


def estimate_cost(plan: Plan, media: Media) -> Estimate:
    """The output's size in bytes, and how many seconds one processor works on it."""
    match plan:
        case VideoPlan():
            kbps = _video_kbps(plan.video, media) + _audio_kbps(plan.audio, media)
            work = _video_seconds(plan.video, media, plan.duration) + _audio_seconds(plan.audio, plan.duration)
            return _estimate(kbps * 125 * (plan.duration or 0), work)
        case AudioPlan():
            size = _audio_kbps(plan.audio, media) * 125 * (plan.duration or 0)
            return _estimate(size, _audio_seconds(plan.audio, plan.duration))
        case GifPlan():
            return _image_estimate(plan, max(1.0, (plan.duration or 0) * plan.fps))
        case FramePlan():
            return _image_estimate(plan, 1)
        case ImagePlan():
            return _image_estimate(plan, plan.frames)
        case KeepImage():
            return _estimate(media.filesize, 0.0)


def _video_kbps(step: Copy | EncodeVideo, media: Media) -> float:
    if media.video is None:
        return 0.0
    if isinstance(step, Copy):
        return (media.video.bitrate or 0) / 1000
    size = step.framing.size
    return video_kbps(step.codec, step.quality, size.width * size.height, media.video.fps or _DEFAULT_FPS)


def _audio_kbps(step: Copy | EncodeAudio | None, media: Media) -> float:
    if step is None or media.audio is None:
        return 0.0
    if isinstance(step, Copy):
        return (media.audio.bitrate or 0) / 1000
    if bits := _LOSSLESS_BITS_PER_SAMPLE.get(step.codec):
        return bits * min(media.audio.sample_rate, _MAX_LOSSLESS_HERTZ) * step.channels / 1000
    return audio_kbps(step.codec, step.quality, step.channels)


def _video_seconds(step: Copy | EncodeVideo, media: Media, duration: float | None) -> float:
    if isinstance(step, Copy) or media.video is None:
        return 0.0
    size, frames = step.framing.size, (duration or 0) * (media.video.fps or _DEFAULT_FPS)
    return size.width * size.height / 1e6 * frames * _MEGAPIXEL_SECONDS[step.codec]


def _audio_seconds(step: Copy | EncodeAudio | None, duration: float | None) -> float:
    return _AUDIO_SECONDS_PER_SECOND * (duration or 0) if isinstance(step, EncodeAudio) else 0.0


def _image_estimate(plan: FramePlan | GifPlan | ImagePlan, frames: float) -> Estimate:
    size = planned_size(plan)
    pixels = size.width * size.height * frames if size else 0.0
    bits = interpolated(_BITS_PER_PIXEL[plan.format], plan.quality)
    return _estimate(pixels * bits / 8, pixels / 1e6 * _MEGAPIXEL_SECONDS[plan.format])


def _estimate(size: float, seconds: float) -> Estimate:
    return Estimate(round(size), round(_MIN_SECONDS + seconds, 1))
