"""Decoding the first and the last second of each stream of an output: the proof that it plays. Runs in a child."""

from typing import Any

import av.error

from penstock.engines.examine import opened

_SECONDS = 1.0


def sample(path: str, demuxer: str, streams: dict[int, float]) -> dict[str, list[int]]:
    """How many frames decode at the front and at the end of each stream, given each one's length in seconds."""
    counts = {}
    with opened(path, demuxer) as source:
        for index, seconds in streams.items():
            stream = source.streams[index]
            front = _decoded(source, stream, 0.0)
            counts[str(index)] = [front, _decoded(source, stream, max(0.0, seconds - _SECONDS))]
    return counts


def _decoded(source: Any, stream: Any, start: float) -> int:
    origin = (source.start_time or 0) / 1_000_000
    source.seek(round((start + origin) * 1_000_000), backward=True)
    frames, until = 0, start + origin + _SECONDS
    for packet in source.demux(stream):
        decoded = _frames(packet)
        frames += sum(1 for frame in decoded if _time(frame) >= start + origin - _SECONDS)
        if start == 0.0 and frames and decoded and _time(decoded[-1]) > until:
            break
    return frames


def _frames(packet: Any) -> list[Any]:
    """A packet that does not decode gives nothing; that is for the count to judge."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return []


def _time(frame: Any) -> float:
    return float((frame.pts or 0) * frame.time_base) if frame.time_base else 0.0
