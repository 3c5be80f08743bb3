"""Which frame of a video becomes its still. Runs inside a child."""

import statistics
from collections.abc import Iterator
from typing import Any

import av
import av.error

from penstock.domain import errors
from penstock.engines.probing.container import jumped, opened, says_alpha
from penstock.engines.probing.packets import origin_of

_CANDIDATES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.0)
_TRIED_FRAMES = 150
_DARK, _BRIGHT, _FLAT = 30.0, 235.0, 18.0
# The usual decoders of these show what is hidden.
_SEEING_THROUGH = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_WHITE = 255
# Asked for a little early, so that rounding cannot skip the frame.
_EARLY_SECONDS = 0.002


def moment(path: str, demuxer: str, index: int, at: float | None) -> float:
    """Seconds to seek to for the frame shown at `at`; with None, for one that shows something."""
    with opened(path, demuxer) as source:
        stream = source.streams[index]
        found = _representative(source, stream) if at is None else _shown_at(source, stream, at)
    return max(0.0, found - _EARLY_SECONDS)


def _representative(source: Any, stream: Any) -> float:
    """The first candidate that is neither black, white nor empty; else the liveliest."""
    seen: list[tuple[float, float]] = []
    for share in _CANDIDATES:
        frame = _frame_at(source, stream, share * _seconds(source, stream), _TRIED_FRAMES)
        if frame is None:
            continue
        mean, spread = _look(frame)
        seen.append((spread, _time(source, frame)))
        if _DARK < mean < _BRIGHT and spread > _FLAT:
            return seen[-1][1]
    if not seen:
        raise errors.InputUnreadable("No picture of the input can be decoded.")
    return max(seen)[1]


def _shown_at(source: Any, stream: Any, at: float) -> float:
    frame = _frame_at(source, stream, at)
    if frame is None:
        raise errors.InputUnreadable("No picture of the input can be decoded at this moment.")
    return _time(source, frame)


def _frame_at(source: Any, stream: Any, seconds: float, patience: int = 1_000_000) -> Any:
    """The frame on screen at that time: the last one that begins no later, or the very first."""
    if not jumped(source, seconds):
        return None
    shown = None
    for count, frame in enumerate(_frames(source, stream)):
        if shown is not None and (_time(source, frame) > seconds or count > patience):
            break
        shown = frame
    return shown


def _frames(source: Any, stream: Any) -> Iterator[Any]:
    """What decodes from here on; after a jump, the first packets of some codecs do not."""
    decoder = _decoder(stream)
    for packet in source.demux(stream):
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError:
            continue


def _decoder(stream: Any) -> Any:
    name = _SEEING_THROUGH.get(stream.codec_context.name) if says_alpha(stream.metadata) else None
    return av.CodecContext.create(name, "r") if name else stream.codec_context


def _look(frame: Any) -> tuple[float, float]:
    """Mean and spread of the brightness of a thumbnail, on white where one sees through it."""
    through = any(part.is_alpha for part in frame.format.components)
    shown = bytes(frame.reformat(width=64, height=36, format="ya8" if through else "gray").planes[0])
    light = [_on_white(*seen) for seen in zip(shown[::2], shown[1::2], strict=True)] if through else list(shown)
    return statistics.fmean(light), statistics.pstdev(light)


def _on_white(grey: int, alpha: int) -> float:
    return (grey * alpha + _WHITE * (255 - alpha)) / 255


def _time(source: Any, frame: Any) -> float:
    return float((frame.pts or 0) * frame.time_base) - origin_of(source)


def _seconds(source: Any, stream: Any) -> float:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return (source.duration or 0) / 1_000_000
