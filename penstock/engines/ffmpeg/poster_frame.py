"""Choose the frame of a video that becomes its still image. Runs in a child process."""

import statistics
from collections.abc import Iterator
from typing import Any

import av
import av.error

from penstock.domain import errors
from penstock.engines.probing import decoders
from penstock.engines.probing.demuxing import has_alpha_tag, open_file, seek
from penstock.engines.probing.packets import start_seconds
from penstock.engines.probing.readers import ELEMENTARY_VIDEO, UNSEEKABLE

_CANDIDATES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.0)
_MAX_FRAMES_PER_CANDIDATE = 150
_MIN_LUMA, _MAX_LUMA, _MIN_DEVIATION = 30.0, 235.0, 18.0
_WHITE = 255
# libav's, and how much earlier than its time a frame may be asked for.
_DEFAULT_RATE, _ROUNDING = 25, 0.01
# Seek slightly early, so that rounding cannot skip the frame.
_MARGIN_SECONDS = 0.002


def poster_frame_time(path: str, demuxer: str, index: int, at: float | None) -> float:
    """The time in seconds to seek to for the frame shown at `at`; for a representative frame if `at` is None."""
    with open_file(path, demuxer) as container:
        stream = container.streams[index]
        if demuxer in UNSEEKABLE:
            return _from_start(container, stream, at, demuxer)
        seconds = _representative(container, stream) if at is None else _shown_at(container, stream, at)
    return max(0.0, seconds - _MARGIN_SECONDS)


def _from_start(container: Any, stream: Any, at: float | None, demuxer: str) -> float:
    """The same where nothing can be sought: all frames are decoded from the start, for a representative one no further
    than for a candidate of other streams. Frames without timestamps are counted."""
    rate, shown = float(stream.average_rate or _DEFAULT_RATE), None
    for number, frame in enumerate(_frames(container, stream)):
        seconds = number / rate if demuxer in ELEMENTARY_VIDEO else _time(container, frame)
        if at is not None and shown is not None and seconds > at + _ROUNDING / rate:
            break
        shown = seconds
        if at is None and (number >= _MAX_FRAMES_PER_CANDIDATE or _is_representative(*_luma(frame))):
            break
    if shown is None:
        raise errors.InputUnreadable("No frame of the input can be decoded.")
    return max(0.0, shown - _MARGIN_SECONDS)


def _representative(container: Any, stream: Any) -> float:
    """The first candidate that is neither black, white nor uniform; else the one with the most contrast."""
    seen: list[tuple[float, float]] = []
    for share in _CANDIDATES:
        frame = _frame_at(container, stream, share * _duration(container, stream), _MAX_FRAMES_PER_CANDIDATE)
        if frame is None:
            continue
        mean, deviation = _luma(frame)
        seen.append((deviation, _time(container, frame)))
        if _is_representative(mean, deviation):
            return seen[-1][1]
    if not seen:
        raise errors.InputUnreadable("No frame of the input can be decoded.")
    return max(seen)[1]


def _is_representative(mean: float, deviation: float) -> bool:
    return _MIN_LUMA < mean < _MAX_LUMA and deviation > _MIN_DEVIATION


def _shown_at(container: Any, stream: Any, at: float) -> float:
    frame = _frame_at(container, stream, at)
    if frame is None:
        raise errors.InputUnreadable("No frame of the input can be decoded at this time.")
    return _time(container, frame)


def _frame_at(container: Any, stream: Any, seconds: float, max_frames: int = 1_000_000) -> Any:
    """The frame on screen at that time: the last one that starts no later, or the first of all."""
    if not seek(container, seconds):
        return None
    shown = None
    for count, frame in enumerate(_frames(container, stream)):
        if shown is not None and (_time(container, frame) > seconds or count > max_frames):
            break
        shown = frame
    return shown


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """The frames from here on, without packets that cannot be decoded: after a seek the first ones may be such."""
    decoder = _decoder(stream)
    for packet in _packets(container, stream):
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError:
            continue


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets from here on, then one that makes the decoder give all frames: some demuxers end in an error."""
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError:
        last = av.Packet()
        last.time_base = stream.time_base
        yield last


def _decoder(stream: Any) -> Any:
    name = decoders.WITH_ALPHA.get(stream.codec_context.name) if has_alpha_tag(stream.metadata) else None
    return av.CodecContext.create(name, "r") if name else stream.codec_context


def _luma(frame: Any) -> tuple[float, float]:
    """Mean and standard deviation of a thumbnail's luma, on a white background if it is transparent."""
    transparent = any(component.is_alpha for component in frame.format.components)
    pixels = bytes(frame.reformat(width=64, height=36, format="ya8" if transparent else "gray").planes[0])
    if transparent:
        luma = [_on_white(*pixel) for pixel in zip(pixels[::2], pixels[1::2], strict=True)]
        return statistics.fmean(luma), statistics.pstdev(luma)
    return statistics.fmean(pixels), statistics.pstdev(pixels)


def _on_white(gray: int, alpha: int) -> float:
    return (gray * alpha + _WHITE * (255 - alpha)) / 255


def _time(container: Any, frame: Any) -> float:
    return float((frame.pts or 0) * frame.time_base) - start_seconds(container)


def _duration(container: Any, stream: Any) -> float:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000
