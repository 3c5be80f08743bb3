"""When a stream can be copied instead of encoded. Each function returns the first reason against it, as `because` of
the plan, or None."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.domain.formats import AudioFormat, VideoFormat
from penstock.domain.media import AudioStream, VideoStream
from penstock.domain.planning.plan import Cut, Framing
from penstock.domain.planning.quality import DEFAULT_QUALITY, audio_kbps, video_kbps

# A stream is copied while its bitrate is below this multiple of what our encoder would need for the quality.
BITRATE_TOLERANCE = 1.3
OVER_BITRATE = "its bitrate is higher than this quality needs"

# A stream that starts later than this needs a container that can delay it.
MAX_START_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class PlayerSupport:
    """Which streams of one codec the players of a container take. An empty set allows every value.

    `b_frames`: frames may be stored in another order than shown. `delayed`: a stream may start after the other."""

    profiles: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    max_level: int | None = None
    b_frames: bool = True
    delayed: bool = True


H264 = PlayerSupport(frozenset(("Constrained Baseline", "Main", "High")), max_level=52)

VIDEO_SUPPORT: dict[VideoFormat, dict[str, PlayerSupport]] = {
    "mp4": {"h264": H264},
    "mov": {"h264": H264},
    "webm": {"vp8": PlayerSupport(), "vp9": PlayerSupport(), "av1": PlayerSupport()},
    "avi": {"mpeg4": PlayerSupport(tags=frozenset(("FMP4", "XVID")), b_frames=False, delayed=False)},
}

AUDIO_SUPPORT: dict[VideoFormat | AudioFormat, dict[str, PlayerSupport]] = {
    "mp4": {"aac": PlayerSupport(frozenset(("LC",)))},
    "mov": {"aac": PlayerSupport(frozenset(("LC",)))},
    "webm": {"vorbis": PlayerSupport(), "opus": PlayerSupport()},
    "avi": {"mp3": PlayerSupport(delayed=False)},
    "mp3": {"mp3": PlayerSupport()},
    "ogg": {"vorbis": PlayerSupport()},
    "flac": {"flac": PlayerSupport()},
    "wav": {"pcm_s16le": PlayerSupport()},
}


@dataclass(frozen=True, slots=True)
class CopyCriteria:
    """The part of a request that decides between copying and encoding."""

    quality: float
    cut: Cut
    framing: Framing | None = None


def video_obstacle(target: VideoFormat, stream: VideoStream, criteria: CopyCriteria) -> str | None:
    """Why the video stream has to be encoded; None if it can be copied."""
    support = VIDEO_SUPPORT[target].get(stream.codec)
    if support is None:
        return f"{target} players do not expect {stream.codec}"
    return next(_video_obstacles(stream, support, criteria), None)


def audio_obstacle(target: VideoFormat | AudioFormat, stream: AudioStream, criteria: CopyCriteria) -> str | None:
    """Why the audio stream has to be encoded; None if it can be copied."""
    support = AUDIO_SUPPORT[target].get(stream.codec)
    if support is None:
        return f"{target} players do not expect {stream.codec}"
    return next(_audio_obstacles(stream, support, criteria), None)


def _video_obstacles(stream: VideoStream, support: PlayerSupport, criteria: CopyCriteria) -> Iterator[str]:
    yield from _codec_obstacles(stream, support)
    yield from _pixel_obstacles(stream)
    framing = criteria.framing
    if framing is not None and (framing.size, framing.scaled) != (stream.coded, stream.coded):
        yield "another size was requested"
    yield from _timing_obstacles(stream, support, criteria)
    pixels = stream.coded.width * stream.coded.height
    target = video_kbps(stream.codec, criteria.quality, pixels, stream.fps or 30)
    if _is_over_bitrate(stream.bitrate, target, criteria.quality):
        yield OVER_BITRATE


def _codec_obstacles(stream: VideoStream, support: PlayerSupport) -> Iterator[str]:
    yield from _profile_obstacles(stream.profile, support)
    if support.max_level and (stream.level or 0) > support.max_level:
        yield "its level does not play everywhere"
    if support.tags and stream.tag not in support.tags:
        yield "its codec tag does not play everywhere"
    if stream.b_frames and not support.b_frames:
        yield "the container does not support B-frames"


def _profile_obstacles(profile: str | None, support: PlayerSupport) -> Iterator[str]:
    if support.profiles and profile not in support.profiles:
        yield f"its profile {profile} does not play everywhere" if profile else "its profile is unknown"


def _pixel_obstacles(stream: VideoStream) -> Iterator[str]:
    if stream.pixel_format != "yuv420p":
        yield f"its pixel format {stream.pixel_format} does not play everywhere"
    yield from _color_obstacles(stream)
    if stream.rotation or stream.mirrored:
        yield "it has to be rotated upright"
    if stream.sar != 1:
        yield "its pixels are not square"
    if stream.interlaced:
        yield "it is interlaced"
    if stream.resized:
        yield "its frames change in size or pixel format"


def _color_obstacles(stream: VideoStream) -> Iterator[str]:
    if stream.full_range:
        yield "its colors are full range"
    if stream.is_hdr:
        yield "its colors are HDR"
    if stream.has_wide_gamut:
        yield "its color gamut is wider than most screens show"


def _timing_obstacles(stream: VideoStream, support: PlayerSupport, criteria: CopyCriteria) -> Iterator[str]:
    if stream.start > MAX_START_SECONDS and not support.delayed:
        yield "the container cannot delay its start"
    if criteria.cut != Cut():
        yield "an exact cut needs encoding"
    if not stream.has_timestamps:
        yield "its frames have no timestamps"
    if not stream.starts_with_key:
        yield "it does not start with a keyframe"


def _audio_obstacles(stream: AudioStream, support: PlayerSupport, criteria: CopyCriteria) -> Iterator[str]:
    yield from _profile_obstacles(stream.profile, support)
    if stream.start > MAX_START_SECONDS and not support.delayed:
        yield "the container cannot delay its start"
    if criteria.cut != Cut():
        yield "an exact cut needs encoding"
    target = audio_kbps(stream.codec, criteria.quality, stream.channels)
    if _is_over_bitrate(stream.bitrate, target, criteria.quality):
        yield OVER_BITRATE


def _is_over_bitrate(bitrate: int | None, target_kbps: float, quality: float) -> bool:
    """Never at the default quality: who sends no quality does not ask for a smaller file."""
    if quality == DEFAULT_QUALITY or bitrate is None:
        return False
    return bitrate > target_kbps * 1000 * BITRATE_TOLERANCE
