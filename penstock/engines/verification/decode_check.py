"""Decoding the first and the last second of each stream of an output: the proof that it plays. Runs in a child."""

import math
from typing import Any

import av.error

from penstock.engines.probing.container import jumped, opened
from penstock.engines.probing.packets import origin_of
from penstock.engines.probing.results import DecodedFrames

_SECONDS = 1.0
_LONG_SECONDS = 6.0


def sample(path: str, demuxer: str, streams: dict[int, float]) -> dict[int, DecodedFrames]:
    """What decodes of each stream, given its length in seconds."""
    counts = {}
    for index, seconds in streams.items():
        with opened(path, demuxer) as source:
            front, failed = _starting(source, _stream(source, index))
        end, failed_late = _ending(path, demuxer, index, max(0.0, seconds - _SECONDS))
        middle, failed_between = _between(path, demuxer, index, seconds / 2) if seconds > _LONG_SECONDS else (None, 0)
        counts[index] = DecodedFrames(front, end, failed + failed_late + failed_between, middle)
    return counts


def _stream(source: Any, index: int) -> Any:
    """Decoded on all cores: the last second may lie many frames behind the last key frame."""
    stream = source.streams[index]
    if stream.type == "video":
        stream.thread_type = "AUTO"
    return stream


def _between(path: str, demuxer: str, index: int, middle: float) -> tuple[int | None, int]:
    """One second from the last key frame before the middle; None where there is no way to get there."""
    with opened(path, demuxer) as source:
        if not jumped(source, middle):
            return None, 0
        frames, failed, until = 0, 0, math.inf
        for packet in source.demux(_stream(source, index)):
            decoded = _frames(packet)
            failed += decoded is None
            frames += len(decoded or ())
            if decoded:
                until = min(until, _time(decoded[0]) + _SECONDS)
                if _time(decoded[-1]) >= until:
                    break
        return frames, failed


def _ending(path: str, demuxer: str, index: int, start: float) -> tuple[int, int]:
    with opened(path, demuxer) as source:
        if start and jumped(source, start):
            return _to_the_end(source, _stream(source, index), start)
    with opened(path, demuxer) as source:
        return _to_the_end(source, _stream(source, index), start)


def _to_the_end(source: Any, stream: Any, start: float) -> tuple[int, int]:
    """Frames near the end, and failures. Where one frame stands longer than a second, the last one is near enough."""
    times: list[float] = []
    failed, last = 0, -math.inf
    for packet in source.demux(stream):
        decoded = _frames(packet)
        failed += decoded is None
        times.extend(_time(frame) for frame in decoded or ())
        last = max(last, float(packet.pts * packet.time_base)) if packet.pts is not None else last
    near = origin_of(source) + start - _SECONDS
    return sum(time >= min(near, max(last, 0.0)) for time in times), failed


def _starting(source: Any, stream: Any) -> tuple[int, int]:
    """One second of frames, and failures."""
    frames, failed, until = 0, 0, origin_of(source) + _SECONDS
    for packet in source.demux(stream):
        decoded = _frames(packet)
        failed += decoded is None
        frames += len(decoded or ())
        if decoded and _time(decoded[-1]) > until:
            break
    return frames, failed


def _frames(packet: Any) -> list[Any] | None:
    """None for a packet that does not decode."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return None


def _time(frame: Any) -> float:
    return float((frame.pts or 0) * frame.time_base) if frame.time_base else 0.0
