"""From a request and the facts of its input to a plan: pure, and the only place where an output is decided."""

import math
from dataclasses import replace

from penstock.domain import errors
from penstock.domain.formats import FORMATS, AudioFormat, ImageFormat, VideoFormat
from penstock.domain.limits import Limits
from penstock.domain.media import AudioStream, CoverArt, ImageFacts, Media, VideoStream
from penstock.domain.planning import frame_rate, sizing
from penstock.domain.planning.compatibility import Pair, require_possible
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    CoverPlan,
    Cut,
    EncodeAudio,
    EncodeVideo,
    FramePlan,
    Framing,
    GifPlan,
    ImagePlan,
    Plan,
    VideoPlan,
)
from penstock.domain.planning.stream_copy import CopyCriteria, audio_obstacle, video_obstacle
from penstock.domain.request import SourceRequest

VIDEO_CODECS: dict[VideoFormat, str] = {"mp4": "h264", "mov": "h264", "webm": "vp9", "avi": "mpeg4"}
AUDIO_CODECS: dict[VideoFormat | AudioFormat, str] = {
    "mp4": "aac",
    "mov": "aac",
    "webm": "opus",
    "avi": "mp3",
    "mp3": "mp3",
    "wav": "pcm_s16le",
    "ogg": "vorbis",
    "flac": "flac",
}

# aac and opus play everywhere as mono, stereo, 5.1 and 7.1 only.
_COMMON_CHANNELS = (0, 1, 2, 6, 6, 6, 6, 8, 8)
_STEREO_CHANNELS = (0, 1, 2, 2, 2, 2, 2, 2, 2)
CHANNELS: dict[str, tuple[int, ...]] = {
    "aac": _COMMON_CHANNELS,
    "opus": _COMMON_CHANNELS,
    "mp3": _STEREO_CHANNELS,
}

# Formats whose files hold a cover, and its longest side: players show it small.
COVER_FORMATS: frozenset[VideoFormat | AudioFormat] = frozenset(("mp3", "ogg", "flac", "mp4"))
MAX_COVER_SIDE = 1400

# So many pictures before the end of a film its last has not begun, and the one before has.
_LAST_PICTURE = 1.5

# The longest side that an encoder can write, where it is less than the settings allow.
MAX_SIDES = {"webp": 16_383}


def plan_for(
    request: SourceRequest, media: Media, limits: Limits, allowed_pairs: frozenset[Pair] = frozenset()
) -> Plan:
    """What will be done. Raises the `RequestError` or `InputLimitsExceeded` that the input calls for."""
    require_possible(request, media, allowed_pairs)
    match request.format:
        case "mp4" | "webm" | "mov" | "avi":
            return _video_plan(request, request.format, media, limits)
        case "mp3" | "wav" | "ogg" | "flac":
            return _audio_plan(request, request.format, media)
        case "gif" if media.video:
            return _gif_plan(request, media, media.video, limits)
        case "jpeg" | "png" | "webp" | "gif":
            return _still_plan(request, request.format, media, limits)


def _video_plan(request: SourceRequest, target: VideoFormat, media: Media, limits: Limits) -> VideoPlan:
    stream = _picture_stream(media)
    framing = _framing(request, stream, limits)
    cut = _cut(request, media.duration)
    if stream.duration is not None:
        cut = _seen(cut, stream.start + stream.duration, float(frame_rate.cut_fps(stream)))
    wish, sound = CopyCriteria(request.quality, cut, framing), _heard(cut, media.audio)
    return VideoPlan(
        format=target,
        video=_video_step(target, stream, wish, framing),
        audio=_audio_step(target, sound, wish) if sound else None,
        cut=cut,
        duration=_remaining(cut, media.duration),
        tags=media.tags,
        cover=_cover_plan(target, media.cover),
    )


def _audio_plan(request: SourceRequest, target: AudioFormat, media: Media) -> AudioPlan:
    if media.audio is None:
        raise errors.NoAudioStream("The input has no audio stream, so it cannot become audio.")
    length = media.audio.duration or media.duration
    cut = _cut(request, length)
    step = _audio_step(target, media.audio, CopyCriteria(request.quality, cut))
    return AudioPlan(target, step, cut, _remaining(cut, length), media.tags, _cover_plan(target, media.cover))


def _cover_plan(target: VideoFormat | AudioFormat, cover: CoverArt | None) -> CoverPlan | None:
    if cover is None or target not in COVER_FORMATS:
        return None
    return CoverPlan(cover.index, sizing.scaled_down(cover.size, MAX_COVER_SIDE))


def _gif_plan(request: SourceRequest, media: Media, stream: VideoStream, limits: Limits) -> GifPlan:
    length = media.duration if stream.duration is None else stream.start + stream.duration
    cut = _cut(request, length)
    fps = frame_rate.gif_fps(request.quality, stream, cut)
    if length is not None:
        cut = _seen(cut, length, fps)
    plan = GifPlan(
        format="gif",
        index=stream.index,
        framing=_framing(request, stream, limits),
        quality=request.quality,
        fps=fps,
        cut=cut,
        duration=_remaining(cut, length),
        because="a video becomes an animated gif",
    )
    _require_few_frames(plan, limits)
    return plan


def _still_plan(request: SourceRequest, target: ImageFormat, media: Media, limits: Limits) -> FramePlan | ImagePlan:
    if media.image is not None:
        _require_timeless(request, media.image)
        return replace(_image_plan(request, target, media.image, limits), tags=media.tags)
    return _frame_plan(request, target, media, limits)


def _require_timeless(request: SourceRequest, picture: ImageFacts) -> None:
    """Times that would change nothing are refused: they would only make another Task of the same output."""
    if request.at != "auto":
        raise errors.FieldInvalid("at applies to a video, but the input is an image; remove it.", field="at")
    if picture.frames == 1 and (request.start or request.end is not None):
        name = "start" if request.start else "end"
        raise errors.FieldInvalid(
            f"{name} applies to an input with a duration, but the input is a still image; remove it.", field=name
        )


def _frame_plan(request: SourceRequest, target: ImageFormat, media: Media, limits: Limits) -> FramePlan:
    stream = _picture_stream(media)
    for name in ("start", "end"):
        if getattr(request, name) is not None:
            raise errors.FieldInvalid(f"{name} does not apply to a still image; choose its moment with at.", field=name)
    at = None if request.at == "auto" else request.at
    if at is not None:
        _require_before_end("at", at, stream.duration or media.duration)
    framing = _framing(request, stream, limits)
    return FramePlan(target, stream.index, framing, request.quality, at, "a still is one frame of the video")


def _image_plan(request: SourceRequest, target: ImageFormat, picture: ImageFacts, limits: Limits) -> ImagePlan:
    facts = FORMATS[target]
    animated = facts.animates and picture.frames > 1
    cut = _cut(request, picture.duration) if animated else Cut()
    framing = _within(sizing.framing_for(request, picture.size), request, limits)
    return ImagePlan(
        format=target,
        framing=framing,
        quality=request.quality,
        animated=animated,
        flatten=picture.alpha and not facts.alpha,
        frames=picture.frames if animated else 1,
        duration=_remaining(cut, picture.duration) if animated else None,
        cut=cut,
        because=_image_reason(target, picture),
    )


def _image_reason(target: ImageFormat, picture: ImageFacts) -> str:
    if picture.frames == 1:
        return "pictures are always made anew"
    return "the animation is kept" if FORMATS[target].animates else f"{target} holds the first frame only"


def _video_step(target: VideoFormat, stream: VideoStream, wish: CopyCriteria, framing: Framing) -> Copy | EncodeVideo:
    obstacle = video_obstacle(target, stream, wish)
    if obstacle is None:
        return Copy(stream.index, stream.codec, "it already meets the request")
    return EncodeVideo(stream.index, VIDEO_CODECS[target], framing, wish.quality, obstacle)


def _audio_step(target: VideoFormat | AudioFormat, stream: AudioStream, wish: CopyCriteria) -> Copy | EncodeAudio:
    obstacle = audio_obstacle(target, stream, wish)
    if obstacle is None:
        return Copy(stream.index, stream.codec, "it already meets the request")
    codec = AUDIO_CODECS[target]
    return EncodeAudio(stream.index, codec, _channels(codec, stream.channels), wish.quality, obstacle)


def _channels(codec: str, channels: int) -> int:
    return CHANNELS.get(codec, tuple(range(9)))[min(channels, 8)]


def _picture_stream(media: Media) -> VideoStream:
    if media.video is None:
        raise errors.NoVideoStream("The input has no moving picture.")
    return media.video


def _framing(request: SourceRequest, stream: VideoStream, limits: Limits) -> Framing:
    return _within(sizing.framing_for(request, stream.shown), request, limits)


def _within(framing: Framing, request: SourceRequest, limits: Limits) -> Framing:
    size, facts = framing.size, FORMATS[request.format]
    pixels = limits.video_pixels if facts.kind == "video" else 2 * limits.image_pixels
    side = min(limits.image_side_pixels, MAX_SIDES.get(request.format, limits.image_side_pixels))
    if size.width * size.height > pixels or max(size.width, size.height) > side:
        raise errors.InputLimitsExceeded(
            f"The output would be {size.width}x{size.height}, which is more than {request.format} may have here; "
            "ask for a smaller size.",
            field="width" if size.width >= size.height else "height",
        )
    return framing


def _cut(request: SourceRequest, duration: float | None) -> Cut:
    """The stretch asked for; an end beyond the input's own is no end at all."""
    start = request.start or 0.0
    _require_before_end("start", start, duration)
    if request.end is None or (duration is not None and request.end >= duration):
        return Cut(start)
    return Cut(start, request.end - start)


def _seen(cut: Cut, end: float, pace: float) -> Cut:
    """A picture stands until the next: a cut half-way through the last begins with the last, not after it."""
    _require_before_end("start", cut.start, end)
    early = max(0.0, cut.start - max(0.0, end - _LAST_PICTURE / pace))
    return Cut(cut.start - early, None if cut.seconds is None else cut.seconds + early)


def _heard(cut: Cut, sound: AudioStream | None) -> AudioStream | None:
    """The sound of a film, unless it ends before the cut begins, or begins after its end."""
    if sound is None or sound.duration is None:
        return sound
    over = cut.start >= sound.start + sound.duration
    unbegun = cut.seconds is not None and cut.start + cut.seconds <= sound.start
    return None if over or unbegun else sound


def _require_before_end(name: str, moment: float, duration: float | None) -> None:
    if moment > 0 and duration is not None and moment >= duration:
        raise errors.FieldInvalid(f"{name} is {moment:g} s, but the input ends after {duration:.3f} s.", field=name)


def _remaining(cut: Cut, duration: float | None) -> float | None:
    if cut.seconds is not None:
        return cut.seconds
    return None if duration is None else duration - cut.start


def _require_few_frames(plan: GifPlan, limits: Limits) -> None:
    frames = math.ceil((plan.duration or 0.0) * plan.fps)
    most = min(limits.animation_frames, limits.animation_pixels // (plan.framing.size.width * plan.framing.size.height))
    if frames > most:
        raise errors.InputLimitsExceeded(
            f"The gif would have {frames:,} frames and may have {most:,} at this size; "
            "choose a shorter stretch with start and end, or a smaller size.",
            field="end",
        )
