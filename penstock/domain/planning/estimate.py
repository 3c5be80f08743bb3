"""What a plan will cost, roughly: bytes of output and seconds of work, from what our encoders spend on the usual."""

from dataclasses import dataclass

from penstock.domain.media import Media
from penstock.domain.planning import quality as scales
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
    size_of,
)

# Bits of one pixel at each of the six qualities.
_PIXEL_BITS = {
    "jpeg": scales.QualityScale((0.42, 0.6, 0.8, 1.2, 2.0, 4.5), 0.1, 24, whole=False),
    "webp": scales.QualityScale((0.34, 0.5, 0.8, 1.3, 1.85, 10.3), 0.1, 24, whole=False),
    "png": scales.QualityScale((1.6, 2.2, 3.0, 3.8, 12.9, 12.9), 0.1, 24, whole=False),
    "gif": scales.QualityScale((1.5, 2.0, 2.6, 3.0, 3.5, 4.0), 0.1, 8, whole=False),
}
# Processor seconds for a million pixels, with decoding and scaling.
_MEGAPIXEL_SECONDS = {"h264": 0.04, "vp9": 0.16, "mpeg4": 0.016, "jpeg": 0.1, "webp": 0.2, "png": 0.6, "gif": 0.1}
_LOSSLESS_KBPS = {"pcm_s16le": 16.0, "flac": 9.0}
_SOUND_SECONDS = 0.01
_LEAST_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Estimate:
    bytes: int
    seconds: float


def estimate_cost(plan: Plan, media: Media) -> Estimate:
    """What the output will weigh, and how long one processor works on it."""
    match plan:
        case VideoPlan():
            kbps = _picture_kbps(plan.video, media) + _sound_kbps(plan.audio, media)
            work = _picture_seconds(plan.video, media, plan.duration) + _sound_seconds(plan.audio, plan.duration)
            return _rounded(kbps * 125 * (plan.duration or 0), work)
        case AudioPlan():
            heard = _sound_kbps(plan.audio, media) * 125 * (plan.duration or 0)
            return _rounded(heard, _sound_seconds(plan.audio, plan.duration))
        case GifPlan():
            return _drawn(plan, max(1.0, (plan.duration or 0) * plan.fps))
        case FramePlan():
            return _drawn(plan, 1)
        case ImagePlan():
            return _drawn(plan, plan.frames)
        case KeepImage():
            return _rounded(media.filesize, 0.0)


def _picture_kbps(step: Copy | EncodeVideo, media: Media) -> float:
    if media.video is None:
        return 0.0
    if isinstance(step, Copy):
        return (media.video.bitrate or 0) / 1000
    size = step.framing.size
    return scales.video_kbps(step.codec, step.quality, size.width * size.height, media.video.fps or 25)


def _sound_kbps(step: Copy | EncodeAudio | None, media: Media) -> float:
    if step is None or media.audio is None:
        return 0.0
    if isinstance(step, Copy):
        return (media.audio.bitrate or 0) / 1000
    if bits := _LOSSLESS_KBPS.get(step.codec):
        return bits * media.audio.sample_rate * step.channels / 1000
    return scales.audio_kbps(step.codec, step.quality, step.channels)


def _picture_seconds(step: Copy | EncodeVideo, media: Media, duration: float | None) -> float:
    if isinstance(step, Copy) or media.video is None:
        return 0.0
    size, frames = step.framing.size, (duration or 0) * (media.video.fps or 25)
    return size.width * size.height / 1e6 * frames * _MEGAPIXEL_SECONDS[step.codec]


def _sound_seconds(step: Copy | EncodeAudio | None, duration: float | None) -> float:
    return _SOUND_SECONDS * (duration or 0) if isinstance(step, EncodeAudio) else 0.0


def _drawn(plan: FramePlan | GifPlan | ImagePlan, frames: float) -> Estimate:
    size = size_of(plan)
    pixels = size.width * size.height * frames if size else 0.0
    bits = scales.interpolated(_PIXEL_BITS[plan.format], plan.quality)
    return _rounded(pixels * bits / 8, pixels / 1e6 * _MEGAPIXEL_SECONDS[plan.format])


def _rounded(size: float, seconds: float) -> Estimate:
    return Estimate(round(size), round(_LEAST_SECONDS + seconds, 1))
