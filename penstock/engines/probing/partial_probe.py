"""Probe a video or audio file of which only some byte ranges are present, by its header and index.

Runs in a child process. If a byte is missing, its offset is returned; the parent fetches it and calls again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.engines.probing.container import ContainerSource, read_media
from penstock.engines.probing.demuxing import open_container
from penstock.engines.probing.media_limits import require_streams, require_within
from penstock.engines.probing.packets import MAX_TIMESTAMPS, PacketStats, packet_stats, start_seconds
from penstock.engines.probing.results import ByteRange, PartialProbe

# A stream without a packet in so many bytes is taken to be empty.
_MAX_SEARCHED_BYTES = 4 * 2**20


def probe_partial(path: str, container: str, demuxer: str, limits: Limits, present: list[ByteRange]) -> PartialProbe:
    """The facts by the byte ranges in `present`, or the first missing offset. Raises an `InputError` for what no other
    byte range would change."""
    reader = _PartialReader(path, demuxer, Path(path).stat().st_size, present)
    try:
        media, _ = read_media(ContainerSource(reader.open, reader.packet_stats, reader.total), container, limits)
    except errors.MediaError:
        if reader.missing_offset is None:
            raise
    if reader.missing_offset is not None:
        return PartialProbe(None, reader.missing_offset)
    with_duration = replace(media, duration=media.duration or media.header_duration)
    return PartialProbe(require_within(require_streams(with_duration), limits))


@dataclass(slots=True)
class SparseFile:
    """A file object over the byte ranges in `present`. Reading a missing byte returns the end of the file, and sets
    `missing_offset` the first time."""

    fd: int
    total: int
    present: list[ByteRange]
    position: int = 0
    missing_offset: int | None = None

    def read(self, length: int) -> bytes:
        end = next((end for start, end in self.present if start <= self.position < end), None)
        if end is None:
            self._note_missing()
            return b""
        block = os.pread(self.fd, min(length, end - self.position), self.position)
        self.position += len(block)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.total}[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def _note_missing(self) -> None:
        if self.missing_offset is None and self.position < self.total:
            self.missing_offset = self.position


@dataclass(slots=True)
class _PartialReader:
    """Opens the file for one probe, and remembers the first missing offset that matters."""

    path: str
    demuxer: str
    total: int
    present: list[ByteRange]
    missing_offset: int | None = None
    open_files: list[SparseFile] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[Any]:
        fd = os.open(self.path, os.O_RDONLY)
        file = SparseFile(fd, self.total, self.present)
        self.open_files.append(file)
        try:
            with open_container(file, self.demuxer) as container:
                yield container
        finally:
            self.open_files.remove(file)
            os.close(fd)
            self.missing_offset = file.missing_offset if self.missing_offset is None else self.missing_offset

    def packet_stats(self, container: Any, streams: list[Any]) -> dict[int, PacketStats]:
        """Statistics of the packets that are present, completed by the header and the index."""
        file = self.open_files[-1]
        if file.missing_offset is not None:
            raise errors.InputTruncated("The header of the input is incomplete.")
        stats = packet_stats(container, streams)
        if file.missing_offset is None:
            return stats
        completed = _completed(container, streams, stats, self.total)
        if all(stream.packets for stream in completed.values()) or file.missing_offset > _MAX_SEARCHED_BYTES:
            file.missing_offset = None
        return completed


def _completed(container: Any, streams: list[Any], stats: dict[int, PacketStats], total: int) -> dict[int, PacketStats]:
    read_bytes = sum(stream.size for stream in stats.values()) or 1
    by_header = {stream.index: _with_duration(stats[stream.index], container, stream) for stream in streams}
    if container.format.name.startswith("mov"):
        return {stream.index: _with_index(by_header[stream.index], stream) for stream in streams}
    return {stream.index: _extrapolated(by_header[stream.index], stream, total / read_bytes) for stream in streams}


def _with_duration(stats: PacketStats, container: Any, stream: Any) -> PacketStats:
    """Start and end by the header of the stream, else of the container."""
    start = stats.first_pts or 0.0
    if stream.start_time is not None:
        start = stream.start_time * stats.tick - start_seconds(container)
    seconds = stream.duration * stats.tick if stream.duration else (container.duration or 0) / 1_000_000 - start
    end = start + max(0.0, seconds)
    return replace(
        stats,
        first_pts=start,
        last_pts=max(stats.last_pts, start),
        end=max(stats.end, end),
        ends_without_duration=False,
    )


def _with_index(stats: PacketStats, stream: Any) -> PacketStats:
    """Packets, size and timestamps by the index of an MP4 file, which lists every packet."""
    entries = stream.index_entries
    if not entries:
        return stats
    return replace(
        stats,
        packets=len(entries),
        size=sum(entry.size for entry in entries),
        starts_with_key=bool(entries[0].is_keyframe),
        timestamps=[entry.timestamp for entry in islice(entries, MAX_TIMESTAMPS)],
    )


def _extrapolated(stats: PacketStats, stream: Any, factor: float) -> PacketStats:
    """Without an index: `factor` is the size of the file over that of the packets that were read."""
    if not stats.packets:
        return stats
    has_rate = stream.type == "video" and stream.average_rate
    packets = max(stats.packets, round(stats.seconds * float(stream.average_rate))) if has_rate else stats.packets
    return replace(stats, packets=packets, size=round(stats.size * factor))
