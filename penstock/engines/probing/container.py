"""Probe a video or audio file with PyAV. Runs in a child process."""

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import AudioStream, CoverArt, Media, Size, VideoStream
from penstock.engines.probing import decoders
from penstock.engines.probing.colors import MATRICES, PRIMARIES, TRANSFERS
from penstock.engines.probing.demuxing import decoded_seconds, first_frame, has_alpha_tag, open_file
from penstock.engines.probing.media_limits import (
    bitrate_of,
    pixel_aspect_ratio,
    require_complete,
    require_max_streams,
    require_streams,
    require_within,
)
from penstock.engines.probing.packets import (
    PacketStats,
    is_cut_off,
    is_variable_rate,
    median_frame_duration,
    packet_stats,
    start_seconds,
)
from penstock.engines.probing.readers import MEASURED_BY_DECODING
from penstock.engines.probing.tags import kept_tags

_ATTACHED_PICTURE, _DEFAULT = 0x400, 0x1
_MAX_FPS, _MIN_TIME_BASE = 1_000_000.0, 10_000
_DV_FRAME_BYTES = 120_000


@dataclass(frozen=True, slots=True)
class ContainerSource:
    """How to open a container (it is opened several times), how to count its packets, and its size in bytes."""

    open: Callable[[], AbstractContextManager[Any]]
    packet_stats: Callable[[Any, list[Any]], dict[int, PacketStats]]
    filesize: int

    @classmethod
    def of_file(cls, path: str, demuxer: str) -> "ContainerSource":
        return cls(lambda: open_file(path, demuxer), packet_stats, Path(path).stat().st_size)


def probe_container(path: str, container: str, demuxer: str, limits: Limits) -> Media:
    """The facts of a complete file, by all of its packets. Raises an `InputError`."""
    media, packets_end = read_media(ContainerSource.of_file(path, demuxer), container, limits)
    if container in MEASURED_BY_DECODING and media.audio:
        media = _with_seconds(media, media.audio, decoded_seconds(path, demuxer, media.audio.index))
    require_complete(media.header_duration, max(packets_end, media.duration or 0))
    if container == "dv" and media.filesize < _DV_FRAME_BYTES:
        raise errors.InputTruncated("The input is cut off inside its first frame.")
    return require_within(require_streams(media), limits)


def _with_seconds(media: Media, audio: AudioStream, seconds: float) -> Media:
    bitrate = bitrate_of(media.filesize, seconds)
    return replace(media, duration=seconds, audio=replace(audio, start=0.0, duration=seconds, bitrate=bitrate))


def probe_container_header(path: str, container: str, demuxer: str, limits: Limits) -> Media:
    """The facts of a file that is still being downloaded: its duration is the one in the header."""
    media, packets_end = read_media(ContainerSource.of_file(path, demuxer), container, limits)
    return require_within(replace(require_streams(media), duration=media.header_duration or packets_end), limits)


def read_media(source: ContainerSource, name: str, limits: Limits) -> tuple[Media, float]:
    """The facts of the container, and the end of its last packet in seconds."""
    with source.open() as container:
        require_max_streams(len(container.streams), limits)
        has_attached = any(stream.disposition & _ATTACHED_PICTURE for stream in container.streams.video)
        candidates = [stream for stream in container.streams if _is_video_or_audio(stream)]
        stats = source.packet_stats(container, candidates)
        header_duration = max(0, container.duration or 0) / 1_000_000 or None
        origin = start_seconds(container)
        video = _choose([stream for stream in candidates if stream.type == "video"], stats, decoders.VIDEO)
        audio = _choose([stream for stream in candidates if stream.type == "audio"], stats, decoders.AUDIO)
        if video is None and is_cut_off(candidates, stats, source.filesize):
            raise errors.InputTruncated("The input is cut off before its first frame.")
        tags = kept_tags({**(audio.metadata if audio and name == "ogg" else {}), **container.metadata})
        video_stream = _video_stream(video, stats[video.index], limits) if video else None
        audio_stream = _audio_stream(audio, stats[audio.index]) if audio else None
    media = Media(
        kind="video" if video_stream else "audio",
        container=name,
        filesize=source.filesize,
        duration=_duration(video_stream, audio_stream),
        header_duration=header_duration,
        video=_with_display_matrix(video_stream, source) if video_stream else None,
        audio=audio_stream,
        cover=_cover(source, limits) if has_attached else None,
        tags=tags,
        origin=origin,
    )
    return media, max((stream.max_end for stream in stats.values()), default=0.0)


def _is_video_or_audio(stream: Any) -> bool:
    """False for cover art, subtitles and data."""
    if stream.type not in ("video", "audio") or stream.codec_context is None:
        return False
    return not stream.disposition & _ATTACHED_PICTURE


def _choose(streams: list[Any], stats: dict[int, PacketStats], known: dict[str, tuple[str, ...]]) -> Any:
    """The stream that a player would choose: a default one, then the largest, then the first. None if there is none."""
    with_packets = [stream for stream in streams if stats[stream.index].packets]
    readable = [stream for stream in with_packets if _codec(stream) in known]
    if with_packets and not readable:
        raise errors.InputUnreadable(f"The codec of the input, {_codec(with_packets[0])}, is not supported.")
    return max(readable, key=_rank, default=None)


def _rank(stream: Any) -> tuple[bool, int, int]:
    area = stream.codec_context.width * stream.codec_context.height if stream.type == "video" else 0
    return bool(stream.disposition & _DEFAULT), area, -stream.index


def _codec(stream: Any) -> str:
    return str(stream.codec_context.codec.canonical_name)


def _video_stream(stream: Any, stats: PacketStats, limits: Limits) -> VideoStream:
    context = stream.codec_context
    coded = Size(context.width, context.height)
    _require_frame_size(coded, context.pix_fmt, limits)
    return VideoStream(
        index=stream.index,
        codec=_codec(stream),
        coded=coded,
        shown=coded,
        pixel_format=context.pix_fmt,
        profile=context.profile,
        level=context.level if context.level > 0 else None,
        tag=_codec_tag(context),
        sar=pixel_aspect_ratio(stream.sample_aspect_ratio, coded),
        fps=_fps(stream, stats),
        usual_fps=_median_fps(stats),
        frames=stats.packets,
        duration=stats.seconds,
        start=stats.start,
        bitrate=bitrate_of(stats.size, stats.seconds),
        full_range=context.pix_fmt.startswith("yuvj") or (context.color_range == 2 and "yuv" in context.pix_fmt),
        transfer=TRANSFERS.get(context.color_trc),
        primaries=PRIMARIES.get(context.color_primaries),
        matrix=MATRICES.get(context.colorspace),
        interlaced=int(context.field_order) >= 2,
        alpha=has_alpha_tag(stream.metadata) or _has_alpha_component(context.format),
        b_frames=bool(context.has_b_frames),
        starts_with_key=stats.starts_with_key,
        middle_key=stats.middle_key,
        variable_rate=is_variable_rate(stats.timestamps, stats.last_frame_ticks),
        resized=stats.size_changes,
        has_timestamps=stats.first_pts is not None,
    )


def _audio_stream(stream: Any, stats: PacketStats) -> AudioStream:
    context = stream.codec_context
    if not context.sample_rate or not context.layout.nb_channels:
        raise errors.InputUnreadable("The audio of the input is damaged and cannot be read.")
    return AudioStream(
        index=stream.index,
        codec=_codec(stream),
        channels=context.layout.nb_channels,
        sample_rate=context.sample_rate,
        profile=context.profile,
        duration=stats.seconds,
        start=stats.start,
        bitrate=bitrate_of(stats.size, stats.seconds),
    )


def _cover(source: ContainerSource, limits: Limits) -> CoverArt | None:
    """The first cover that can be decoded. A damaged one is no reason to reject the file."""
    with source.open() as container:
        for stream in container.streams.video:
            attached = stream.disposition & _ATTACHED_PICTURE and stream.codec_context is not None
            size = _cover_size(container, stream, limits) if attached else None
            if size is not None:
                return CoverArt(stream.index, size)
    return None


def _cover_size(container: Any, stream: Any, limits: Limits) -> Size | None:
    try:
        _require_frame_size(Size(stream.width, stream.height), stream.pix_fmt, limits)
        frame = first_frame(container, stream.index)
    except errors.InputError:
        return None
    return Size(frame.width, frame.height)


def _require_frame_size(size: Size, pixel_format: str | None, limits: Limits) -> None:
    if not pixel_format or size.width < 1 or size.height < 1:
        raise errors.InputUnreadable("The video of the input is damaged and cannot be read.")
    if size.width * size.height > limits.video_pixels:
        raise errors.InputLimitsExceeded(
            f"The input is {size.width}x{size.height}; at most {limits.video_pixels:,} pixels a frame are allowed."
        )


def _codec_tag(context: Any) -> str | None:
    try:
        tag = str(context.codec_tag).strip(" \0")
    except UnicodeDecodeError:  # AAC in AVI has such a tag
        return None
    return tag if tag and tag.isprintable() else None


def _fps(stream: Any, stats: PacketStats) -> float | None:
    """The mean frame rate by the packets; the header's, which is exact, if the two differ by less than 5%."""
    if stats.packets < 2 or not stats.seconds:
        rate = float(stream.average_rate or 0)
        # libav's time base, where it knows no rate, as of a single frame of DV.
        return rate if 0 < rate < _MIN_TIME_BASE else None
    counted = stats.packets / stats.seconds
    declared = float(stream.average_rate or 0)
    return declared if abs(declared - counted) < 0.05 * counted else round(counted, 3)


def _median_fps(stats: PacketStats) -> float | None:
    ticks = median_frame_duration(stats.timestamps)
    fps = 1 / (ticks * stats.tick) if ticks and stats.tick else None
    return round(fps, 3) if fps and fps <= _MAX_FPS else None


def _has_alpha_component(pixel_format: Any) -> bool:
    return bool(pixel_format) and any(component.is_alpha for component in pixel_format.components)


def _duration(video: VideoStream | None, audio: AudioStream | None) -> float:
    """From the earliest start of a stream to the latest end."""
    streams = [stream for stream in (video, audio) if stream is not None]
    if not streams:
        return 0.0
    ends = [stream.start + (stream.duration or 0.0) for stream in streams]
    return max(ends) - min(stream.start for stream in streams)


def _with_display_matrix(video: VideoStream, source: ContainerSource) -> VideoStream:
    """The stream with its rotation and display size. PyAV reports the display matrix only with a decoded frame; that a
    frame can be decoded is required anyway."""
    with source.open() as container:
        frame = first_frame(container, video.index)
        rotation, mirrored = -int(frame.rotation) % 360, _is_mirrored(frame)
    square = Size(max(1, round(video.coded.width * video.sar)), video.coded.height)
    shown = Size(square.height, square.width) if rotation in (90, 270) else square
    resized = video.resized or (frame.width, frame.height) != (video.coded.width, video.coded.height)
    return replace(video, rotation=rotation, mirrored=mirrored, shown=shown, resized=resized)


def _is_mirrored(frame: Any) -> bool:
    """Whether the display matrix has a negative determinant."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            matrix = struct.unpack("=9i", bytes(data)[:36])
            return bool(matrix[0] * matrix[4] - matrix[1] * matrix[3] < 0)
    return False
