"""The plan for a request and the probed facts of its input. Pure; only here outputs are decided."""

import math
from dataclasses import replace

from penstock.domain import errors
from penstock.domain.formats import FORMATS, AudioFormat, ImageFormat, VideoFormat
from penstock.domain.limits import Limits
from penstock.domain.media import AudioStream, CoverArt, ImageFacts, Media, VideoStream
from penstock.domain.planning import frame_rate, sizing
from penstock.domain.planning.compatibility import require_possible
from penstock.domain.planning.matrix import Pair
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

# Output channels by input channels. AAC and Opus play everywhere as mono, stereo, 5.1 and 7.1 only.
_COMMON_CHANNELS = (0, 1, 2, 6, 6, 6, 6, 8, 8)
_STEREO_CHANNELS = (0, 1, 2, 2, 2, 2, 2, 2, 2)
CHANNELS: dict[str, tuple[int, ...]] = {
    "aac": _COMMON_CHANNELS,
    "opus": _COMMON_CHANNELS,
    "mp3": _STEREO_CHANNELS,
}

# Formats that hold cover art, and its longest side in pixels: players show it small.
COVER_FORMATS: frozenset[VideoFormat | AudioFormat] = frozenset(("mp3", "ogg", "flac", "mp4"))
MAX_COVER_SIDE = 1400

# A cut starts at least this many frames before the end of the video, so that it contains the last frame.
_LAST_FRAMES = 1.5

# The longest side in pixels that an encoder can write, where that is less than the settings allow.
MAX_SIDES = {"webp": 16_383}


def plan_for(
    request: SourceRequest, media: Media, limits: Limits, allowed_pairs: frozenset[Pair] = frozenset()
) -> Plan:
    """What will be done. Raises a `RequestError` or `InputLimitsExceeded` where the input cannot become the output."""
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
    stream = _video_stream(media)
    framing = _framing(request, stream, limits)
    cut = _cut(request, media.duration)
    if stream.duration is not None:
        cut = _with_last_frame(cut, stream.start + stream.duration, float(frame_rate.cut_fps(stream)))
    criteria, audio = CopyCriteria(request.quality, cut, framing), _audio_in_cut(cut, media.audio)
    return VideoPlan(
        format=target,
        video=_video_step(target, stream, criteria, framing),
        audio=_audio_step(target, audio, criteria) if audio else None,
        cut=cut,
        duration=_duration_of(cut, media.duration),
        tags=media.tags,
        cover=_cover_plan(target, media.cover),
    )


def _audio_plan(request: SourceRequest, target: AudioFormat, media: Media) -> AudioPlan:
    if media.audio is None:
        raise errors.NoAudioStream("The input has no audio stream, so it cannot become audio.")
    length = media.audio.duration or media.duration
    cut = _cut(request, length)
    step = _audio_step(target, media.audio, CopyCriteria(request.quality, cut))
    return AudioPlan(target, step, cut, _duration_of(cut, length), media.tags, _cover_plan(target, media.cover))


def _cover_plan(target: VideoFormat | AudioFormat, cover: CoverArt | None) -> CoverPlan | None:
    if cover is None or target not in COVER_FORMATS:
        return None
    return CoverPlan(cover.index, sizing.scaled_down(cover.size, MAX_COVER_SIDE))


def _gif_plan(request: SourceRequest, media: Media, stream: VideoStream, limits: Limits) -> GifPlan:
    length = media.duration if stream.duration is None else stream.start + stream.duration
    cut = _cut(request, length)
    fps = frame_rate.gif_fps(request.quality, stream, cut)
    if length is not None:
        cut = _with_last_frame(cut, length, fps)
    plan = GifPlan(
        format="gif",
        index=stream.index,
        framing=_framing(request, stream, limits),
        quality=request.quality,
        fps=fps,
        cut=cut,
        duration=_duration_of(cut, length),
        because="a video becomes an animated gif",
    )
    _require_few_frames(plan, limits)
    return plan


def _still_plan(request: SourceRequest, target: ImageFormat, media: Media, limits: Limits) -> FramePlan | ImagePlan:
    if media.image is not None:
        _require_no_times(request, media.image)
        return replace(_image_plan(request, target, media.image, limits), tags=media.tags)
    return _frame_plan(request, target, media, limits)


def _require_no_times(request: SourceRequest, image: ImageFacts) -> None:
    """Raise `FieldInvalid` for times that have no effect on an image: they would only make a second Task."""
    if request.at != "auto":
        raise errors.FieldInvalid("at applies to a video, but the input is an image; remove it.", field="at")
    if image.frames == 1 and (request.start or request.end is not None):
        name = "start" if request.start else "end"
        raise errors.FieldInvalid(
            f"{name} applies to an input with a duration, but the input is a still image; remove it.", field=name
        )


def _frame_plan(request: SourceRequest, target: ImageFormat, media: Media, limits: Limits) -> FramePlan:
    stream = _video_stream(media)
    for name in ("start", "end"):
        if getattr(request, name) is not None:
            raise errors.FieldInvalid(f"{name} does not apply to a still image; choose the frame with at.", field=name)
    at = None if request.at == "auto" else request.at
    if at is not None:
        _require_before_end("at", at, stream.duration or media.duration)
    framing = _framing(request, stream, limits)
    return FramePlan(target, stream.index, framing, request.quality, at, "a still is one frame of the video")


def _image_plan(request: SourceRequest, target: ImageFormat, image: ImageFacts, limits: Limits) -> ImagePlan:
    facts = FORMATS[target]
    animated = facts.animates and image.frames > 1
    cut = _cut(request, image.duration) if animated else Cut()
    framing = _within(sizing.framing_for(request, image.size), request, limits)
    return ImagePlan(
        format=target,
        framing=framing,
        quality=request.quality,
        animated=animated,
        flatten=image.alpha and not facts.alpha,
        frames=image.frames if animated else 1,
        duration=_duration_of(cut, image.duration) if animated else None,
        cut=cut,
        because=_image_reason(target, image),
    )


def _image_reason(target: ImageFormat, image: ImageFacts) -> str:
    if image.frames == 1:
        return "images are always re-encoded"
    return "the animation is kept" if FORMATS[target].animates else f"{target} holds one frame only"


def _video_step(
    target: VideoFormat, stream: VideoStream, criteria: CopyCriteria, framing: Framing
) -> Copy | EncodeVideo:
    obstacle = video_obstacle(target, stream, criteria)
    if obstacle is None:
        return Copy(stream.index, stream.codec, "it already meets the request")
    return EncodeVideo(stream.index, VIDEO_CODECS[target], framing, criteria.quality, obstacle)


def _audio_step(target: VideoFormat | AudioFormat, stream: AudioStream, criteria: CopyCriteria) -> Copy | EncodeAudio:
    obstacle = audio_obstacle(target, stream, criteria)
    if obstacle is None:
        return Copy(stream.index, stream.codec, "it already meets the request")
    codec = AUDIO_CODECS[target]
    return EncodeAudio(stream.index, codec, _channels(codec, stream.channels), criteria.quality, obstacle)


def _channels(codec: str, channels: int) -> int:
    return CHANNELS.get(codec, tuple(range(9)))[min(channels, 8)]


def _video_stream(media: Media) -> VideoStream:
    if media.video is None:
        raise errors.NoVideoStream("The input has no video stream.")
    return media.video


def _framing(request: SourceRequest, stream: VideoStream, limits: Limits) -> Framing:
    return _within(sizing.framing_for(request, stream.shown), request, limits)


def _within(framing: Framing, request: SourceRequest, limits: Limits) -> Framing:
    size, facts = framing.size, FORMATS[request.format]
    pixels = limits.video_pixels if facts.kind == "video" else 2 * limits.image_pixels
    side = min(limits.image_side_pixels, MAX_SIDES.get(request.format, limits.image_side_pixels))
    if size.width * size.height > pixels or max(size.width, size.height) > side:
        raise errors.InputLimitsExceeded(
            f"The output would be {size.width}x{size.height}, which exceeds the limit for {request.format}; "
            "request a smaller size.",
            field="width" if size.width >= size.height else "height",
        )
    return framing


def _cut(request: SourceRequest, duration: float | None) -> Cut:
    """The requested part; an `end` at or after the input's end counts as none."""
    start = request.start or 0.0
    _require_before_end("start", start, duration)
    if request.end is None or (duration is not None and request.end >= duration):
        return Cut(start)
    return Cut(start, request.end - start)


def _with_last_frame(cut: Cut, end: float, fps: float) -> Cut:
    """The cut, started earlier where it would start after the last frame, which is shown until `end`."""
    _require_before_end("start", cut.start, end)
    early = max(0.0, cut.start - max(0.0, end - _LAST_FRAMES / fps))
    return Cut(cut.start - early, None if cut.seconds is None else cut.seconds + early)


def _audio_in_cut(cut: Cut, audio: AudioStream | None) -> AudioStream | None:
    """The audio stream; None if all of it lies before or after the cut."""
    if audio is None or audio.duration is None:
        return audio
    before = cut.start >= audio.start + audio.duration
    after = cut.seconds is not None and cut.start + cut.seconds <= audio.start
    return None if before or after else audio


def _require_before_end(name: str, time: float, duration: float | None) -> None:
    if time > 0 and duration is not None and time >= duration:
        raise errors.FieldInvalid(f"{name} is {time:g} s, but the input ends after {duration:.3f} s.", field=name)


def _duration_of(cut: Cut, duration: float | None) -> float | None:
    if cut.seconds is not None:
        return cut.seconds
    return None if duration is None else duration - cut.start


def _require_few_frames(plan: GifPlan, limits: Limits) -> None:
    frames = math.ceil((plan.duration or 0.0) * plan.fps)
    maximum = min(
        limits.animation_frames, limits.animation_pixels // (plan.framing.size.width * plan.framing.size.height)
    )
    if frames > maximum:
        raise errors.InputLimitsExceeded(
            f"The gif would have {frames:,} frames, but at most {maximum:,} are allowed at this size; "
            "choose a shorter part with start and end, or a smaller size.",
            field="end",
        )
