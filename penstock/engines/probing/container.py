"""The facts of a video or audio file, read with PyAV. Runs inside a child of the nursery, never elsewhere."""

import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import av.error

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import AudioStream, CoverArt, Media, Size, VideoStream
from penstock.engines.probing import decoders
from penstock.engines.probing.colors import MATRICES, PRIMARIES, TRANSFERS
from penstock.engines.probing.figures import bitrate_of, pixel_shape
from penstock.engines.probing.limits import filled, require_few_streams, require_whole, within
from penstock.engines.probing.packets import Tally, breaks_off, origin_of, usual_step, varies, walk
from penstock.engines.probing.tags import kept_tags

_ATTACHED_PICTURE, _DEFAULT = 0x400, 0x1
_TRIED_PACKETS = 300
_MOST_FPS = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to come by a file's facts: how it is opened, how its streams' packets are counted, how large it is."""

    opened: Callable[[], AbstractContextManager[Any]]
    tallied: Callable[[Any, list[Any]], dict[int, Tally]]
    filesize: int

    @classmethod
    def whole(cls, path: str, demuxer: str) -> "Reading":
        return cls(lambda: opened(path, demuxer), walk, Path(path).stat().st_size)


def examine(path: str, container: str, demuxer: str, limits: Limits) -> Media:
    """Everything that planning and verifying ask about a whole file. Raises an `InputError`."""
    media, walked = facts(Reading.whole(path, demuxer), container, limits)
    require_whole(media.header_duration, walked)
    return within(filled(media), limits)


def glance(path: str, container: str, demuxer: str, limits: Limits) -> Media:
    """The same of a file of which only some has arrived; its length is what the header says."""
    media, walked = facts(Reading.whole(path, demuxer), container, limits)
    return within(replace(filled(media), duration=media.header_duration or walked), limits)


def facts(reading: Reading, container: str, limits: Limits) -> tuple[Media, float]:
    """What is in the file, and how far its packets reach."""
    with reading.opened() as source:
        require_few_streams(len(source.streams), limits)
        attached = any(stream.disposition & _ATTACHED_PICTURE for stream in source.streams.video)
        candidates = [stream for stream in source.streams if _is_candidate(stream)]
        tallies = reading.tallied(source, candidates)
        header = max(0, source.duration or 0) / 1_000_000 or None
        origin = origin_of(source)
        picture = _chosen([stream for stream in candidates if stream.type == "video"], tallies, decoders.VIDEO)
        sound = _chosen([stream for stream in candidates if stream.type == "audio"], tallies, decoders.AUDIO)
        if picture is None and breaks_off(candidates, tallies, reading.filesize):
            raise errors.InputTruncated("The input is cut off before its first picture.")
        tags = kept_tags({**(sound.metadata if sound and container == "ogg" else {}), **source.metadata})
        video = _video(picture, tallies[picture.index], limits) if picture else None
        audio = _audio(sound, tallies[sound.index]) if sound else None
    media = Media(
        kind="video" if video else "audio",
        container=container,
        filesize=reading.filesize,
        duration=_length(video, audio),
        header_duration=header,
        video=_upright(video, reading) if video else None,
        audio=audio,
        cover=_cover(reading, limits) if attached else None,
        tags=tags,
        origin=origin,
    )
    return media, max((tally.reach for tally in tallies.values()), default=0.0)


def opened(path: str, demuxer: str) -> AbstractContextManager[Any]:
    """The file on this disk as `demuxed`."""
    return demuxed(f"file:{path}", demuxer)


@contextmanager
def demuxed(file: Any, demuxer: str) -> Iterator[Any]:
    """An address, or something to read from, behind its forced demuxer, with nothing that could lead elsewhere.
    Foreign errors end here."""
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "codec_whitelist": decoders.whitelist(),
        "probesize": "10000000",
        "analyzeduration": "10000000",
    }
    try:
        with av.open(file, format=demuxer, options=options, metadata_errors="ignore") as source:
            yield source
    except (av.error.FFmpegError, UnicodeError) as refusal:
        raise errors.InputUnreadable("The input is damaged and cannot be read.", detail=str(refusal)) from refusal


def jumped(source: Any, seconds: float) -> bool:
    """Go to the last place before that time from which decoding can start; very short files may know none."""
    try:
        source.seek(round(seconds * 1_000_000) + (source.start_time or 0), backward=True)
    except av.error.FFmpegError:
        return False
    return True


def _is_candidate(stream: Any) -> bool:
    """A moving picture or a sound; cover art is neither."""
    if stream.type not in ("video", "audio") or stream.codec_context is None:
        return False
    return not stream.disposition & _ATTACHED_PICTURE


def _chosen(streams: list[Any], tallies: dict[int, Tally], known: dict[str, tuple[str, ...]]) -> Any:
    """The stream that a viewer would get: a default one, the largest, the first. None where there is none."""
    filled = [stream for stream in streams if tallies[stream.index].packets]
    readable = [stream for stream in filled if _codec(stream) in known]
    if filled and not readable:
        raise errors.InputUnreadable(f"The input uses {_codec(filled[0])}, a codec that is not read here.")
    return max(readable, key=_rank, default=None)


def _rank(stream: Any) -> tuple[bool, int, int]:
    area = stream.codec_context.width * stream.codec_context.height if stream.type == "video" else 0
    return bool(stream.disposition & _DEFAULT), area, -stream.index


def _codec(stream: Any) -> str:
    return str(stream.codec_context.codec.canonical_name)


def _video(stream: Any, tally: Tally, limits: Limits) -> VideoStream:
    context = stream.codec_context
    coded = Size(context.width, context.height)
    _require_picture(coded, context.pix_fmt, limits)
    return VideoStream(
        index=stream.index,
        codec=_codec(stream),
        coded=coded,
        shown=coded,
        pixel_format=context.pix_fmt,
        profile=context.profile,
        level=context.level if context.level > 0 else None,
        tag=_tag(context),
        sar=pixel_shape(stream.sample_aspect_ratio, coded),
        fps=_rate(stream, tally),
        usual_fps=_usual_rate(tally),
        frames=tally.packets,
        duration=tally.seconds,
        start=tally.start,
        bitrate=_bitrate(tally),
        full_range=context.pix_fmt.startswith("yuvj") or (context.color_range == 2 and "yuv" in context.pix_fmt),
        transfer=TRANSFERS.get(context.color_trc),
        primaries=PRIMARIES.get(context.color_primaries),
        matrix=MATRICES.get(context.colorspace),
        interlaced=int(context.field_order) >= 2,
        alpha=says_alpha(stream.metadata) or _has_alpha(context.format),
        b_frames=bool(context.has_b_frames),
        starts_with_key=tally.starts_with_key,
        variable_rate=varies(tally.moments, tally.last_ticks),
        resized=tally.reshaped,
    )


def _audio(stream: Any, tally: Tally) -> AudioStream:
    context = stream.codec_context
    if not context.sample_rate or not context.layout.nb_channels:
        raise errors.InputUnreadable("The input's sound is damaged and cannot be read.")
    return AudioStream(
        index=stream.index,
        codec=_codec(stream),
        channels=context.layout.nb_channels,
        sample_rate=context.sample_rate,
        profile=context.profile,
        duration=tally.seconds,
        start=tally.start,
        bitrate=_bitrate(tally),
    )


def _cover(reading: Reading, limits: Limits) -> CoverArt | None:
    """The first cover that decodes; one that does not is no reason to refuse the rest."""
    with reading.opened() as source:
        for stream in source.streams.video:
            attached = stream.disposition & _ATTACHED_PICTURE and stream.codec_context is not None
            size = _decoded_size(source, stream, limits) if attached else None
            if size is not None:
                return CoverArt(stream.index, size)
    return None


def _decoded_size(source: Any, stream: Any, limits: Limits) -> Size | None:
    try:
        _require_picture(Size(stream.width, stream.height), stream.pix_fmt, limits)
        frame = first_frame(source, stream.index)
    except errors.InputError:
        return None
    return Size(frame.width, frame.height)


def _require_picture(size: Size, pixel_format: str | None, limits: Limits) -> None:
    if not pixel_format or size.width < 1 or size.height < 1:
        raise errors.InputUnreadable("The input's picture is damaged and cannot be read.")
    if size.width * size.height > limits.video_pixels:
        raise errors.InputLimitsExceeded(
            f"The input is {size.width}x{size.height}, more than the {limits.video_pixels:,} pixels a frame may have."
        )


def _tag(context: Any) -> str | None:
    try:
        tag = str(context.codec_tag).strip(" \0")
    except UnicodeDecodeError:
        return None
    return tag if tag and tag.isprintable() else None


def _rate(stream: Any, tally: Tally) -> float | None:
    """Frames a second as they come; the header's word where it says nearly the same."""
    if tally.packets < 2 or not tally.seconds:
        return float(stream.average_rate) if stream.average_rate else None
    counted = tally.packets / tally.seconds
    said = float(stream.average_rate or 0)
    return said if abs(said - counted) < 0.05 * counted else round(counted, 3)


def _usual_rate(tally: Tally) -> float | None:
    step = usual_step(tally.moments)
    rate = 1 / (step * tally.tick) if step and tally.tick else None
    return round(rate, 3) if rate and rate <= _MOST_FPS else None


def _bitrate(tally: Tally) -> int | None:
    return bitrate_of(tally.size, tally.seconds)


def says_alpha(metadata: dict[str, str]) -> bool:
    """In WebM transparency is a second picture beside an opaque one, told of by a tag in either case."""
    return any(name.lower() == "alpha_mode" and value == "1" for name, value in metadata.items())


def _has_alpha(pixels: Any) -> bool:
    return bool(pixels) and any(part.is_alpha for part in pixels.components)


def _length(video: VideoStream | None, audio: AudioStream | None) -> float:
    streams = [stream for stream in (video, audio) if stream is not None]
    if not streams:
        return 0.0
    ends = [stream.start + (stream.duration or 0.0) for stream in streams]
    return max(ends) - min(stream.start for stream in streams)


def _upright(video: VideoStream, reading: Reading) -> VideoStream:
    """Rotation is told by a decoded frame alone, so that one is decoded; that proves, too, that one can be."""
    with reading.opened() as source:
        frame = first_frame(source, video.index)
        turned, mirrored = -int(frame.rotation) % 360, _is_mirrored(frame)
    wide = Size(max(1, round(video.coded.width * video.sar)), video.coded.height)
    shown = Size(wide.height, wide.width) if turned in (90, 270) else wide
    resized = video.resized or (frame.width, frame.height) != (video.coded.width, video.coded.height)
    return replace(video, rotation=turned, mirrored=mirrored, shown=shown, resized=resized)


def first_frame(source: Any, index: int) -> Any:
    """The first picture that decodes. Raises `InputUnreadable` where none of the first packets gives one."""
    for place, packet in enumerate(source.demux([source.streams[index]])):
        try:
            for frame in packet.decode():
                return frame
        except av.error.FFmpegError:
            continue
        if place > _TRIED_PACKETS:
            break
    raise errors.InputUnreadable("No picture of the input can be decoded.")


def _is_mirrored(frame: Any) -> bool:
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            matrix = struct.unpack("=9i", bytes(data)[:36])
            return bool(matrix[0] * matrix[4] - matrix[1] * matrix[3] < 0)
    return False
