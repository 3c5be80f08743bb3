"""When a stream may be taken as it is. Each function answers the obstacle, in words for a task's plan, or None."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.domain.formats import AudioFormat, VideoFormat
from penstock.domain.media import AudioStream, VideoStream
from penstock.domain.planning import quality as scales
from penstock.domain.planning.plan import Cut, Framing

HDR_TRANSFERS = frozenset(("smpte2084", "arib-std-b67"))
WIDE_PRIMARIES = frozenset(("bt2020", "smpte431", "smpte432"))

# A source may spend this much more than our encoder would, and is still not worth encoding again.
BITRATE_TOLERANCE = 1.3

OVER_BITRATE = "the input spends more than this quality needs"

MAX_START_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class PlayerSupport:
    """What players of a container take of one codec; an empty set says that anything goes.

    `reorders` says whether frames may come in another order than they are shown in, `late` whether a stream may start
    after the other."""

    profiles: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    level: int | None = None
    reorders: bool = True
    late: bool = True


H264 = PlayerSupport(frozenset(("Constrained Baseline", "Main", "High")), level=52)

VIDEO_SUPPORT: dict[VideoFormat, dict[str, PlayerSupport]] = {
    "mp4": {"h264": H264},
    "mov": {"h264": H264},
    "webm": {"vp8": PlayerSupport(), "vp9": PlayerSupport(), "av1": PlayerSupport()},
    "avi": {"mpeg4": PlayerSupport(tags=frozenset(("FMP4", "XVID")), reorders=False, late=False)},
}

AUDIO_SUPPORT: dict[VideoFormat | AudioFormat, dict[str, PlayerSupport]] = {
    "mp4": {"aac": PlayerSupport(frozenset(("LC",)))},
    "mov": {"aac": PlayerSupport(frozenset(("LC",)))},
    "webm": {"vorbis": PlayerSupport(), "opus": PlayerSupport()},
    "avi": {"mp3": PlayerSupport(late=False)},
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


def video_obstacle(target: VideoFormat, stream: VideoStream, wish: CopyCriteria) -> str | None:
    """Why the picture has to be encoded, the first reason found."""
    playable = VIDEO_SUPPORT[target].get(stream.codec)
    if playable is None:
        return f"{stream.codec} is not what {target} players expect"
    return next(_video_obstacles(stream, playable, wish), None)


def audio_obstacle(target: VideoFormat | AudioFormat, stream: AudioStream, wish: CopyCriteria) -> str | None:
    """Why the sound has to be encoded, the first reason found."""
    playable = AUDIO_SUPPORT[target].get(stream.codec)
    if playable is None:
        return f"{stream.codec} is not what {target} players expect"
    return next(_audio_obstacles(stream, playable, wish), None)


def has_wide_gamut(stream: VideoStream) -> bool:
    """Whether it has colours, of no more than usual brightness, that most screens and many players do not show. Where
    none are told, browsers take them for usual ones, whatever the matrix."""
    return stream.primaries in WIDE_PRIMARIES and stream.transfer not in HDR_TRANSFERS


def _video_obstacles(stream: VideoStream, playable: PlayerSupport, wish: CopyCriteria) -> Iterator[str]:
    yield from _codec_obstacles(stream, playable)
    yield from _picture_obstacles(stream)
    if wish.framing is not None and (wish.framing.size, wish.framing.scaled) != (stream.coded, stream.coded):
        yield "another size is wanted"
    yield from _timing_obstacles(stream, playable, wish)
    if _lavish(stream.bitrate, _video_target(stream, wish.quality), wish.quality):
        yield OVER_BITRATE


def _codec_obstacles(stream: VideoStream, playable: PlayerSupport) -> Iterator[str]:
    if playable.profiles and stream.profile not in playable.profiles:
        yield f"its profile {stream.profile or 'is unknown and'} does not play everywhere"
    if playable.level and (stream.level or 0) > playable.level:
        yield "its level does not play everywhere"
    if playable.tags and stream.tag not in playable.tags:
        yield "its variant does not play everywhere"
    if stream.b_frames and not playable.reorders:
        yield "the container cannot reorder its frames"


def _picture_obstacles(stream: VideoStream) -> Iterator[str]:
    if stream.pixel_format != "yuv420p":
        yield f"{stream.pixel_format} does not play everywhere"
    yield from _colour_obstacles(stream)
    if stream.rotation or stream.mirrored:
        yield "it has to be turned upright"
    if stream.sar != 1:
        yield "its pixels are not square"
    if stream.interlaced:
        yield "it is interlaced"
    if stream.resized:
        yield "its frames change their size or form"


def _colour_obstacles(stream: VideoStream) -> Iterator[str]:
    if stream.full_range:
        yield "its colours use the full range"
    if stream.transfer in HDR_TRANSFERS:
        yield "its colours are HDR"
    if has_wide_gamut(stream):
        yield "its colours are wider than what shows everywhere"


def _timing_obstacles(stream: VideoStream, playable: PlayerSupport, wish: CopyCriteria) -> Iterator[str]:
    if stream.start > MAX_START_SECONDS and not playable.late:
        yield "the container cannot start it late"
    if wish.cut != Cut():
        yield "an exact cut needs new frames"
    if not stream.starts_with_key:
        yield "it does not start with a whole picture"


def _audio_obstacles(stream: AudioStream, playable: PlayerSupport, wish: CopyCriteria) -> Iterator[str]:
    if playable.profiles and stream.profile not in playable.profiles:
        yield f"its profile {stream.profile or 'is unknown and'} does not play everywhere"
    if stream.start > MAX_START_SECONDS and not playable.late:
        yield "the container cannot start it late"
    if wish.cut != Cut():
        yield "an exact cut needs new samples"
    target = scales.audio_kbps(stream.codec, wish.quality, stream.channels)
    if _lavish(stream.bitrate, target, wish.quality):
        yield OVER_BITRATE


def _video_target(stream: VideoStream, quality: float) -> float:
    return scales.video_kbps(stream.codec, quality, stream.coded.width * stream.coded.height, stream.fps or 30)


def _lavish(bitrate: int | None, target_kbps: float, quality: float) -> bool:
    """The default quality asks for nothing in particular, so that no source is too good for it."""
    if quality == scales.DEFAULT_QUALITY or bitrate is None:
        return False
    return bitrate > target_kbps * 1000 * BITRATE_TOLERANCE
