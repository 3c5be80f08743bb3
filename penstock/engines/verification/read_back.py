"""Read an output back: probe it, and decode it to check that it plays: a short one whole, else the start, the middle
and the end of each stream.

Runs in a child process.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import av.error

from penstock.domain.limits import Limits
from penstock.engines.images.image_probe import decode_image
from penstock.engines.probing.container import probe_container
from penstock.engines.probing.demuxing import open_file, seek
from penstock.engines.probing.packets import start_seconds
from penstock.engines.probing.results import DecodedFrames, ReadBack

_SECONDS = 1.0
# The last second is decoded from the last key frame on, which in a short file is often the first frame.
_MAX_SECONDS_DECODED_WHOLE = 6.0


def read_back_container(path: str, container: str, demuxer: str, limits: Limits) -> ReadBack:
    """A video or audio file: its facts, and the frames decoded of each stream."""
    media = probe_container(path, container, demuxer, limits)
    streams = [stream for stream in (media.video, media.audio) if stream]
    durations = {stream.index: stream.duration or 0.0 for stream in streams}
    return ReadBack(media, decoded_frames(path, demuxer, durations))


def read_back_image(path: str, container: str, image_format: str, limits: Limits) -> ReadBack:
    """An image or animation, of which every frame is decoded."""
    return ReadBack(decode_image(path, container, image_format, limits), {})


def decoded_frames(path: str, demuxer: str, durations: dict[int, float]) -> dict[int, DecodedFrames]:
    """What can be decoded of each stream; `durations` has its length in seconds by stream index."""
    if max(durations.values(), default=0.0) <= _MAX_SECONDS_DECODED_WHOLE:
        return _decoded_whole(path, demuxer, durations)
    return {index: _decoded_parts(path, demuxer, index, seconds) for index, seconds in durations.items()}


def _decoded_parts(path: str, demuxer: str, index: int, seconds: float) -> DecodedFrames:
    """Of a file that is too long to be decoded whole; one of its streams may be short."""
    last_second = max(0.0, seconds - _SECONDS)
    with open_file(path, demuxer) as container:
        stream = _stream(container, index)
        first, failed = _decode_first_second(container, stream)
        has_middle = seconds > _MAX_SECONDS_DECODED_WHOLE and seek(container, seconds / 2)
        middle, failed_middle = _decode_next_second(container, stream) if has_middle else (None, 0)
        has_end = last_second > 0 and seek(container, last_second)
        end = _decode_to_end(container, stream, last_second) if has_end else None
    last, failed_last = end or _decode_from_start_to_end(path, demuxer, index, last_second)
    return DecodedFrames(first, last, failed + failed_middle + failed_last, middle)


@dataclass(slots=True)
class _WholeStream:
    """The times in seconds of the decoded frames and of the last packet of one stream, and its failed packets."""

    times: list[float] = field(default_factory=list)
    last: float = 0.0
    failed: int = 0

    def decode(self, packet: Any) -> None:
        decoded = _decode(packet)
        self.failed += decoded is None
        self.times.extend(_time(frame) for frame in decoded or ())
        self.last = max(self.last, float(packet.pts * packet.time_base)) if packet.pts is not None else self.last

    def frames(self, start: float, seconds: float) -> DecodedFrames:
        """Of a stream that lasts so long. If the last frame is shown for more than two seconds, it counts alone."""
        earliest = min(start + max(0.0, seconds - _SECONDS) - _SECONDS, self.last)
        first = sum(time <= start + _SECONDS for time in self.times) or min(1, len(self.times))
        return DecodedFrames(first, sum(time >= earliest for time in self.times), self.failed, whole=len(self.times))


def _decoded_whole(path: str, demuxer: str, durations: dict[int, float]) -> dict[int, DecodedFrames]:
    """All streams in one pass."""
    streams = {index: _WholeStream() for index in durations}
    with open_file(path, demuxer) as container:
        start = start_seconds(container)
        for packet in container.demux([_stream(container, index) for index in durations]):
            streams[packet.stream.index].decode(packet)
    return {index: streams[index].frames(start, seconds) for index, seconds in durations.items()}


def _stream(container: Any, index: int) -> Any:
    """With a decoder of several threads: the last second may be many frames after the last key frame."""
    stream = container.streams[index]
    if stream.type == "video":
        stream.thread_type = "AUTO"
        # The loop filter smooths pixels that nobody sees here, and reads no bits: without it H.264 takes 0.87 of the
        # time.
        stream.codec_context.options = {"skip_loop_filter": "all"}
    return stream


def _decode_first_second(container: Any, stream: Any) -> tuple[int, int]:
    """Frames and failed packets."""
    frames, failed, until = 0, 0, start_seconds(container) + _SECONDS
    for packet in container.demux(stream):
        decoded = _decode(packet)
        failed += decoded is None
        frames += len(decoded or ())
        if decoded and _time(decoded[-1]) > until:
            break
    return frames, failed


def _decode_next_second(container: Any, stream: Any) -> tuple[int, int]:
    """Frames and failed packets of one second from here on."""
    frames, failed, until = 0, 0, math.inf
    for packet in container.demux(stream):
        decoded = _decode(packet)
        failed += decoded is None
        frames += len(decoded or ())
        if decoded:
            until = min(until, _time(decoded[0]) + _SECONDS)
            if _time(decoded[-1]) >= until:
                break
    return frames, failed


def _decode_from_start_to_end(path: str, demuxer: str, index: int, last_second: float) -> tuple[int, int]:
    """The same as `_decode_to_end`, of a file in which seeking is impossible."""
    with open_file(path, demuxer) as container:
        return _decode_to_end(container, _stream(container, index), last_second)


def _decode_to_end(container: Any, stream: Any, start: float) -> tuple[int, int]:
    """Frames from one second before `start` on, and failed packets. If the last frame is shown for longer than that,
    it counts alone.

    Of what comes before, from the last key frame on, only frames that others refer to are decoded: of 5 s of H.264
    that saves a fifth of the time."""
    times: list[float] = []
    failed, last = 0, -math.inf
    earliest = start_seconds(container) + start - _SECONDS
    for packet in container.demux(stream):
        seconds = None if packet.pts is None else float(packet.pts * packet.time_base)
        stream.codec_context.skip_frame = "NONREF" if seconds is not None and seconds < earliest else "DEFAULT"
        decoded = _decode(packet)
        failed += decoded is None
        times.extend(_time(frame) for frame in decoded or ())
        last = max(last, -math.inf if seconds is None else seconds)
    return sum(time >= min(earliest, max(last, 0.0)) for time in times), failed


def _decode(packet: Any) -> list[Any] | None:
    """The frames of a packet; None if it cannot be decoded."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        return None


def _time(frame: Any) -> float:
    return float((frame.pts or 0) * frame.time_base) if frame.time_base else 0.0
