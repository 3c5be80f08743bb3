"""Statistics over all packets of a container: the reliable source of its streams' durations and frame rates.

Runs in a child process.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

import av
import av.error

from penstock.engines.probing.bitstreams import HEADER_READERS, HeaderReader

T = TypeVar("T")

MAX_TIMESTAMPS = 20_000
_MAX_DURATION = 2**31


@dataclass(slots=True)
class PacketStats:
    """The packets of one stream. `start`, `end` and `last_pts` are in seconds from the container's start time.

    `tick` is the time base in seconds, as a float: with `Fraction` the arithmetic takes longer than the reading.
    `dts_range` is the first and the last DTS in ticks, from which MP4 computes a track's duration.
    `untimed_ticks` is the duration of the packets without a timestamp: all of raw H.264 and HEVC, whose frames come
    one after the other.
    `ends_without_duration`: the last packet has no duration of its own.
    `size_header` is the header with the frame size (see `bitstreams`), `size_changes` whether it differs between key
    frames. `timestamps` are the first PTS values in ticks, `key_times` those of the first key frames in seconds."""

    tick: float
    read_header: HeaderReader | None = None
    packets: int = 0
    size: int = 0
    first_pts: float | None = None
    last_pts: float = 0.0
    end: float = 0.0
    dts_range: tuple[int, int] | None = None
    ends_without_duration: bool = False
    untimed_ticks: int = 0
    starts_with_key: bool = False
    size_header: bytes | None = None
    size_changes: bool = False
    timestamps: list[int] = field(default_factory=list)
    key_times: list[float] = field(default_factory=list)

    @property
    def start(self) -> float:
        return max(0.0, self.first_pts or 0.0)

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.start)

    @property
    def last_frame_ticks(self) -> int:
        """How long the last frame is shown, in ticks."""
        return round((self.end - self.last_pts) / self.tick) if self.tick else 0

    @property
    def middle_key(self) -> float | None:
        """The time of the key frame closest to the middle."""
        middle = self.start + self.seconds / 2
        return min(self.key_times, key=lambda seconds: abs(seconds - middle), default=None)

    @property
    def max_end(self) -> float:
        """The end by PTS or the length by DTS, whichever is later. Seconds."""
        first, last = self.dts_range or (0, 0)
        return max(self.end, (last - first) * self.tick)


def packet_stats(container: Any, streams: list[Any]) -> dict[int, PacketStats]:
    """Read all packets of these streams; the statistics by stream index. Ends early at damage, as a decoder would."""
    stats = {stream.index: PacketStats(float(stream.time_base or 0), _header_reader(stream)) for stream in streams}
    start = start_seconds(container)
    try:
        for packet in container.demux(streams):
            # A damaged file can contain streams that its header does not list.
            if (size := packet.size) and (stream_stats := stats.get(packet.stream_index)):
                stream_stats.size += size
                _count(stream_stats, packet, start)
    except av.error.FFmpegError:
        pass
    for stream in streams:
        _set_end(stats[stream.index], stream)
    return stats


def start_seconds(container: Any) -> float:
    """The start time of the container's earliest stream, in seconds of its own clock."""
    return float(container.start_time or 0) / 1_000_000


def is_cut_off(streams: list[Any], stats: dict[int, PacketStats], filesize: int) -> bool:
    """Whether a file without video packets lost them at its end.

    In an intact file with an empty video stream the audio packets make up nearly the whole file."""
    has_video_stream = any(stream.type == "video" for stream in streams)
    return has_video_stream and 2 * sum(stream.size for stream in stats.values()) < filesize


def _header_reader(stream: Any) -> HeaderReader | None:
    return HEADER_READERS.get(str(stream.codec_context.codec.canonical_name))


def _count(stats: PacketStats, packet: Any, start: float) -> None:
    if stats.read_header and packet.is_keyframe and not stats.size_changes:
        _compare_header(stats, packet, stats.read_header)
    if not stats.packets:
        stats.starts_with_key = packet.is_keyframe
    stats.packets += 1
    timestamp = packet.dts if packet.pts is None else packet.pts
    if timestamp is None:
        stats.untimed_ticks += _duration(packet)
    elif not packet.is_discard:
        _place(stats, packet, timestamp, start)


def _place(stats: PacketStats, packet: Any, timestamp: int, start: float) -> None:
    """Note when a packet is shown."""
    pts, duration = timestamp * stats.tick - start, _duration(packet)
    _extend_dts_range(stats, packet.dts, duration)
    if stats.first_pts is None or pts < stats.first_pts:
        stats.first_pts = pts
    # Only the duration of the last frame counts: with B-frames MP4 stores the time to the next frame in decoding order.
    if pts >= stats.last_pts:
        stats.last_pts, stats.ends_without_duration, stats.end = pts, not duration, pts + duration * stats.tick
    _append_time(stats.timestamps, timestamp)
    if packet.is_keyframe:
        _append_time(stats.key_times, pts)


def _append_time(times: list[T], time: T) -> None:
    if len(times) < MAX_TIMESTAMPS:
        times.append(time)


def _extend_dts_range(stats: PacketStats, dts: int | None, duration: int) -> None:
    if dts is not None:
        stats.dts_range = (stats.dts_range[0] if stats.dts_range else dts, dts + duration)


def _compare_header(stats: PacketStats, packet: Any, read_header: HeaderReader) -> None:
    """A key frame without a header keeps the last one. Containers with several headers report a change as side data."""
    header = read_header(memoryview(packet))
    differs = None not in (header, stats.size_header) and header != stats.size_header
    stats.size_changes = packet.has_sidedata("new_extradata") or differs
    stats.size_header = header or stats.size_header


def _duration(packet: Any) -> int:
    """The duration in ticks. The last packet of an Ogg stream may have a negative one, which PyAV returns as a huge
    number."""
    duration: int = packet.duration or 0
    return duration if duration < _MAX_DURATION else 0


def _set_end(stats: PacketStats, stream: Any) -> None:
    """A last packet without a duration gets the mean duration of the others."""
    step = float(1 / (stream.guessed_rate or 25)) if stream.type == "video" else 0.0
    if stats.packets > 1:
        step = (stats.last_pts - stats.start) / (stats.packets - 1)
    if stats.first_pts is None:
        stats.end = stats.untimed_ticks * stats.tick
    if stats.ends_without_duration:
        stats.end = max(stats.end, stats.last_pts + step)


def is_variable_rate(timestamps: Iterable[int], last_frame_ticks: int = 0) -> bool:
    """Whether the frame rate varies: more than 5% of the frames last 10% more or less than the median, or the time that
    long frames last beyond the median is more than 5% of the total."""
    durations = _frame_durations(timestamps)
    if len(durations) < 2:
        return False
    median = _median(durations)
    uneven = sum(abs(duration - median) > max(1, median * 0.1) for duration in durations)
    # One tick is allowed: a coarse time base rounds each duration up or down.
    excess = sum(max(0, duration - median - 1) for duration in (*durations, last_frame_ticks))
    return max(uneven * median, excess) * 20 > median * len(durations)


def median_frame_duration(timestamps: Iterable[int]) -> int | None:
    """In ticks; None for fewer than two frames."""
    durations = _frame_durations(timestamps)
    return _median(durations) if durations else None


def _frame_durations(timestamps: Iterable[int]) -> list[int]:
    return sorted(after - before for before, after in pairwise(sorted(set(timestamps))))


def _median(values: Sequence[int]) -> int:
    return values[len(values) // 2]
