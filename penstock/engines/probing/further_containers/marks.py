"""Containers of games, telephones, recorders and studios, known by bytes and numbers at fixed places of their headers.

Four letters alone are not enough, because text may begin with them: each header has a control character too, and
numbers that make sense."""

import struct
from dataclasses import dataclass

_CONTROL_CHARACTERS = bytes(range(9))
_HEADER_BYTES = 64
_SIDE = (1, 16_384)
_HERTZ = (1_000, 400_000)
_CHANNELS = (1, 16)


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned number in the header: its offset, its `struct` format, and its least and greatest value."""

    offset: int
    layout: str
    least: int
    greatest: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What all files of a container have: `at` are bytes by their offset."""

    container: str
    at: dict[int, bytes]
    numbers: tuple[Number, ...] = ()


def _pair(offset: int, layout: str, bounds: tuple[int, int]) -> tuple[Number, Number]:
    """Two numbers that follow each other, as width and height."""
    return Number(offset, layout, *bounds), Number(offset + struct.calcsize(layout), layout, *bounds)


MARKS: tuple[Marks, ...] = (
    # written by the shipped ffmpeg, which the tests make them with
    Marks("ast", {0: b"STRM", 10: b"\0\x10"}, (Number(12, ">H", *_CHANNELS), Number(16, ">I", *_HERTZ))),
    Marks("apm", {0: b"\0\x20", 20: b"vs12", 96: b"DATA"}, (Number(4, "<I", *_HERTZ),)),
    Marks("argo_asf", {0: b"ASF\0", 8: b"\1\0\0\0"}, (Number(4, "<H", 1, 2), Number(6, "<H", 0, 9))),
    Marks("alp", {0: b"ALP \x08\0\0\0ADPCM\0"}),
    Marks("alp", {0: b"ALP \x0c\0\0\0ADPCM\0"}),
    Marks("kvag", {0: b"KVAG"}, (Number(8, "<I", *_HERTZ), Number(12, "<H", 0, 1))),
    Marks("wsaud", {16: b"\xaf\xde\0\0", 11: b"\1"}, (Number(0, "<H", *_HERTZ), Number(10, "B", 0, 3))),
    Marks("wsaud", {16: b"\xaf\xde\0\0", 11: b"\x63"}, (Number(0, "<H", *_HERTZ), Number(10, "B", 0, 3))),
    Marks("smjpeg", {0: b"\0\nSMJPEG"}),
    Marks("roq", {0: b"\x84\x10\xff\xff\xff\xff"}),
    Marks("film_cpk", {0: b"FILM", 16: b"FDSC"}),
    Marks("oma", {0: b"EA3", 4: b"\0\x60"}),
    Marks("oma", {0: b"ea3\3\0\0\0"}),
    Marks("sox", {0: b".SoX", 7: b"\0"}),
    Marks("sox", {0: b"XoS.\0"}),
    Marks("ircam", {0: b"\x64\xa3", 3: b"\0"}, (Number(2, "B", 1, 4), Number(8, "<I", *_CHANNELS))),
    Marks("ircam", {0: b"\0", 2: b"\xa3\x64"}, (Number(1, "B", 1, 3), Number(8, ">I", *_CHANNELS))),
    Marks("mmf", {0: b"MMMD", 8: b"CNTI"}),
    Marks("amv", {0: b"RIFF", 8: b"AMV LIST"}),
    Marks("pdv", {0: b"Playdate VID\0\0\0\0"}, _pair(24, "<H", _SIDE)),
)


def by_marks(head: bytes) -> str | None:
    """The first container in the table whose marks the head has."""
    if not set(head[:_HEADER_BYTES]) & set(_CONTROL_CHARACTERS):
        return None
    return next((marks.container for marks in MARKS if _has(head, marks)), None)


def _has(head: bytes, marks: Marks) -> bool:
    return all(head.startswith(mark, offset) for offset, mark in marks.at.items()) and all(
        _is_within(head, number) for number in marks.numbers
    )


def _is_within(head: bytes, number: Number) -> bool:
    if len(head) < number.offset + struct.calcsize(number.layout):
        return False
    (value,) = struct.unpack_from(number.layout, head, number.offset)
    return bool(number.least <= value <= number.greatest)
