"""Durations of an animation's frames: read from a file without decoding pixels, and rounded to a format's unit."""

import mmap
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from PIL import Image

from penstock.engines.images.file_blocks import (
    GIF_APPLICATION,
    GIF_CONTROL,
    GIF_IMAGE,
    Data,
    content_start,
    gif_blocks,
    png_chunks,
    riff_chunks,
)
from penstock.engines.images.opening import translated_errors

_FOREVER = 0
# Every viewer shows a frame with a duration of 0 for 100 ms.
_DEFAULT_MILLISECONDS = 100.0
_GIF_LOOP_EXTENSIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


@dataclass(frozen=True, slots=True)
class Timing:
    """`milliseconds` has the duration of every frame; `plays` is how often they are shown, 0 for ever.

    `first` is the number of the first frame: a PNG may begin with an image that is no part of the animation."""

    milliseconds: tuple[float, ...]
    plays: int = 1
    first: int = 0

    @property
    def frames(self) -> int:
        return len(self.milliseconds)

    @property
    def seconds(self) -> float:
        return sum(self.milliseconds) / 1000


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished image and how long it is shown."""

    image: Image.Image
    milliseconds: float


def read_timing(path: str, image: Image.Image, image_format: str, max_frames: int) -> Timing:
    """The frames of an image file. Stops reading after `max_frames` and one more. Raises an `InputError`."""
    if image_format == "AVIF":
        return _avif_timing(image, max_frames)
    # A file of several images that is no animation opens at its main image.
    still = Timing((0.0,), first=image.tell())
    if image_format not in _READERS:
        return still
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        translated_errors(),
    ):
        timing = _READERS[image_format](data, max_frames)
    displayed = tuple(duration or _DEFAULT_MILLISECONDS for duration in timing.milliseconds)
    return replace(timing, milliseconds=displayed) if timing.frames > 1 else still


def without_short_frames(frames: Sequence[Frame], min_milliseconds: float, step: int) -> list[Frame]:
    """Without frames that are shorter than the minimum and no multiple of `step`: the one before is shown longer."""
    merged: list[Frame] = []
    for frame in frames:
        if merged and _is_too_short(merged[-1], min_milliseconds, step):
            merged[-1] = _extended(merged[-1], frame)
        else:
            merged.append(frame)
    if len(merged) > 1 and _is_too_short(merged[-1], min_milliseconds, step):
        merged[-2:] = [_extended(*merged[-2:])]
    return merged


def rounded_durations(durations: Sequence[float], step: int) -> list[int]:
    """Multiples of `step` with the same sum: the rounding error of a frame is carried to the next one."""
    ends, end = [0], 0.0
    for duration in durations:
        end += duration
        ends.append(round(end / step) * step)
    return [after - before for before, after in pairwise(ends)]


def _is_too_short(frame: Frame, min_milliseconds: float, step: int) -> bool:
    return frame.milliseconds < min_milliseconds and frame.milliseconds % step != 0


def _extended(frame: Frame, other: Frame) -> Frame:
    return Frame(frame.image, frame.milliseconds + other.milliseconds)


def _avif_timing(image: Image.Image, max_frames: int) -> Timing:
    """Pillow reports the duration of an AVIF frame only after decoding it."""
    frames = int(getattr(image, "n_frames", 1))
    if frames == 1 or frames > max_frames:
        return Timing((0.0,) * frames)
    return Timing(tuple(_decoded_duration(image, number) for number in range(frames)), plays=_FOREVER)


def _decoded_duration(image: Image.Image, number: int) -> float:
    with translated_errors():
        image.seek(number)
        image.load()
    return float(image.info.get("duration", 0.0))


def _gif_timing(data: Data, max_frames: int) -> Timing:
    durations: list[float] = []
    delay, plays = 0.0, 1
    with suppress(IndexError):
        for block in gif_blocks(data):
            if block.kind == GIF_CONTROL:
                delay = 10.0 * struct.unpack_from("<H", content_start(data, block), 2)[0]
            elif block.kind == GIF_APPLICATION:
                plays = _gif_plays(content_start(data, block), plays)
            elif block.kind == GIF_IMAGE:
                durations, delay = [*durations, delay], 0.0
            if len(durations) > max_frames:
                break
    return Timing(tuple(durations), plays)


def _gif_plays(content: bytes, otherwise: int) -> int:
    """How often the animation is shown, if this is a loop extension: it has the number of repeats, 0 for ever."""
    if content[1:12] not in _GIF_LOOP_EXTENSIONS or content[13:14] != b"\x01":
        return otherwise
    repeats = int(struct.unpack_from("<H", content, 14)[0])
    return repeats + 1 if repeats else _FOREVER


def _webp_timing(data: Data, max_frames: int) -> Timing:
    durations: list[float] = []
    plays = 1
    for chunk in riff_chunks(data):
        content = data[chunk.content : chunk.content + 16]
        if chunk.kind == b"ANIM" and len(content) >= 6:
            plays = struct.unpack_from("<H", content, 4)[0]
        if chunk.kind == b"ANMF" and len(content) == 16:
            durations.append(float(int.from_bytes(content[12:15], "little")))
        if len(durations) > max_frames:
            break
    return Timing(tuple(durations), plays)


def _png_timing(data: Data, max_frames: int) -> Timing:
    durations: list[float] = []
    declared, plays, first = 0, 1, 0
    for chunk in png_chunks(data):
        match chunk.kind:
            case b"acTL":
                declared, plays = struct.unpack_from(">II", content_start(data, chunk))
            case b"IDAT":
                first = first if durations else 1
            case b"fcTL":
                numerator, denominator = struct.unpack_from(">HH", content_start(data, chunk), 20)
                durations.append(1000.0 * numerator / (denominator or 100))
        if len(durations) > max_frames:
            break
    return Timing(tuple(durations[:declared]), plays, first)


_READERS: dict[str, Callable[[Data, int], Timing]] = {"GIF": _gif_timing, "WEBP": _webp_timing, "PNG": _png_timing}
