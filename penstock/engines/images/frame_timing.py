"""How long each frame of an animation is shown, read from the file's blocks without decoding a pixel."""

import mmap
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from PIL import Image

from penstock.engines.images.opening import reading

Data = bytes | mmap.mmap

_FOREVER = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """`milliseconds` of every frame; `plays` is how often they are shown, 0 for ever.

    `first` is the place of the first frame: a PNG may hold a picture before it that is no part of the animation."""

    milliseconds: tuple[float, ...]
    plays: int = 1
    first: int = 0

    @property
    def frames(self) -> int:
        return len(self.milliseconds)

    @property
    def seconds(self) -> float:
        return sum(self.milliseconds) / 1000


def timing(path: str, picture: Image.Image, opener: str, most: int) -> Timing:
    """The frames of a picture; reading stops where there are more than `most`."""
    if opener == "AVIF":
        return _decoded(picture, most)
    # A file of several pictures that is no animation opens at the one that is meant to be seen.
    still = Timing((0.0,), first=picture.tell())
    if opener not in _WALKS:
        return still
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = _WALKS[opener](data, most)
    return replace(found, milliseconds=tuple(map(_paced, found.milliseconds))) if found.frames > 1 else still


def _paced(milliseconds: float) -> float:
    """A frame that is shown for no time at all is shown for a tenth of a second by every viewer."""
    return milliseconds or 100.0


def has_late_tags(path: str) -> bool:
    """Whether a PNG's EXIF stands behind its pixels."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(name == b"eXIf" for name, _ in _png_chunks(data))


def early_chunk(path: str, wanted: bytes) -> bytes | None:
    """The first 32 bytes of a PNG's chunk of this name before its pixels."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        early = takewhile(lambda chunk: chunk[0] != b"IDAT", _png_chunks(data))
        return next((content for name, content in early if name == wanted), None)


def _decoded(picture: Image.Image, most: int) -> Timing:
    """The library behind AVIF tells a frame's time with its pixels only."""
    frames = int(getattr(picture, "n_frames", 1))
    if frames == 1 or frames > most:
        return Timing((0.0,) * frames)
    return Timing(tuple(_shown(picture, place) for place in range(frames)), plays=_FOREVER)


def _shown(picture: Image.Image, place: int) -> float:
    with reading():
        picture.seek(place)
        picture.load()
    return float(picture.info.get("duration", 0.0))


def _gif(data: Data, most: int) -> Timing:
    times: list[float] = []
    delay, plays = 0.0, 1
    for kind, block in _gif_blocks(data):
        match kind:
            case 0xF9:
                delay = 10.0 * struct.unpack_from("<H", block, 2)[0]
            case 0xFF if block[1:12] in (b"NETSCAPE2.0", b"ANIMEXTS1.0") and block[13:14] == b"\x01":
                # The file says how often it is repeated after the first time.
                repeats = struct.unpack_from("<H", block, 14)[0]
                plays = repeats + 1 if repeats else _FOREVER
            case 0x2C:
                times, delay = [*times, delay], 0.0
        if len(times) > most:
            break
    return Timing(tuple(times), plays)


def _gif_blocks(data: Data) -> Iterator[tuple[int, bytes]]:
    """Extensions as (label, content), images as (0x2C, nothing)."""
    place = 13 + _table_bytes(data[10])
    with suppress(IndexError, struct.error):
        while data[place] != 0x3B:
            if data[place] == 0x21:
                end = _after_blocks(data, place + 2)
                yield data[place + 1], bytes(data[place + 2 : min(end, place + 32)]).ljust(32, b"\0")
                place = end
            elif data[place] == 0x2C:
                place = _after_blocks(data, place + 11 + _table_bytes(data[place + 9]))
                yield 0x2C, b""
            else:
                place += 1


def _table_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: Data, place: int) -> int:
    while data[place]:
        place += data[place] + 1
    return place + 1


def _webp(data: Data, most: int) -> Timing:
    times: list[float] = []
    plays, place = 1, 12
    while place + 8 <= len(data) and len(times) <= most:
        name, length = struct.unpack_from("<4sI", data, place)
        content = data[place + 8 : place + 24]
        if name == b"ANIM" and len(content) >= 6:
            plays = struct.unpack_from("<H", content, 4)[0]
        if name == b"ANMF" and len(content) == 16:
            times.append(float(int.from_bytes(content[12:15], "little")))
        place += 8 + length + length % 2
    return Timing(tuple(times), plays)


def _png(data: Data, most: int) -> Timing:
    times: list[float] = []
    declared, plays, first = 0, 1, 0
    for name, content in _png_chunks(data):
        match name:
            case b"acTL":
                declared, plays = struct.unpack_from(">II", content)
            case b"IDAT":
                first = first if times else 1
            case b"fcTL":
                part, whole = struct.unpack_from(">HH", content, 20)
                times.append(1000.0 * part / (whole or 100))
        if len(times) > most:
            break
    return Timing(tuple(times[:declared]), plays, first)


def _png_chunks(data: Data) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        yield name, bytes(data[place + 8 : place + 8 + min(length, 32)]).ljust(32, b"\0")
        place += 12 + length


_WALKS: dict[str, Callable[[Data, int], Timing]] = {"GIF": _gif, "WEBP": _webp, "PNG": _png}
