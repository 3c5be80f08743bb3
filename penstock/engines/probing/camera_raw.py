"""Tell the raw files of cameras from TIFF, whose structure they have (TIFF 6.0 §2, Adobe DNG 1.7 §2)."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

# So many bytes, or fewer at the end, from an offset.
Reading = Callable[[int, int], bytes]

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_MAKE, _SUB_IFDS, _INTERPRETATION, _DNG_VERSION = 0x010F, 0x014A, 0x0106, 0xC612
_COLOR_FILTER_ARRAY = 32_803
_MAKERS = {b"NIKON": "nef", b"SONY": "arw"}
_MAX_ENTRIES, _MAX_SUB_IFDS, _MAX_TEXT = 500, 16, 64
_INTEGERS = {3: "H", 4: "I", 13: "I"}
_BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tag's value: `offset` is where its bytes are in the file."""

    type: int
    count: int
    offset: int


def raw_kind(read: Reading) -> str | None:
    """The container of a raw file with the structure of TIFF. None for every other file, also for a TIFF that a program
    of the camera's maker wrote: the picture of a sensor has a filter for each pixel."""
    head = read(16, 0)
    if (order := _ORDERS.get(head[:4])) is None or len(head) < 16:
        return None
    if head[8:11] == b"CR\2":
        return "cr2"
    entries = _entries(read, order, struct.unpack(f"{order}I", head[4:8])[0])
    if _DNG_VERSION in entries:
        return "dng"
    maker = _text(read, entries.get(_MAKE)).upper()
    kind = next((kind for name, kind in _MAKERS.items() if maker.startswith(name)), None)
    return kind if kind and _has_sensor_picture(read, order, entries) else None


def _has_sensor_picture(read: Reading, order: str, entries: dict[int, _Entry]) -> bool:
    offsets = _integers(read, order, entries.get(_SUB_IFDS))
    pictures = [entries, *(_entries(read, order, offset) for offset in offsets)]
    return any(_integers(read, order, each.get(_INTERPRETATION)) == (_COLOR_FILTER_ARRAY,) for each in pictures)


def _entries(read: Reading, order: str, offset: int) -> dict[int, _Entry]:
    """The tags of the IFD at `offset`; as many as can be read."""
    counted = read(2, offset)
    count = min(struct.unpack(f"{order}H", counted)[0], _MAX_ENTRIES) if len(counted) == 2 else 0
    listed = read(12 * count, offset + 2)
    found = {}
    for number, (tag, kind, values, start) in enumerate(
        struct.iter_unpack(f"{order}HHII", listed[: len(listed) // 12 * 12])
    ):
        is_inline = values * _BYTES_OF_TYPE.get(kind, 8) <= 4
        found[tag] = _Entry(kind, values, offset + 10 + 12 * number if is_inline else start)
    return found


def _integers(read: Reading, order: str, entry: _Entry | None) -> tuple[int, ...]:
    if entry is None or entry.type not in _INTEGERS or entry.count > _MAX_SUB_IFDS:
        return ()
    layout = f"{order}{entry.count}{_INTEGERS[entry.type]}"
    content = read(struct.calcsize(layout), entry.offset)
    return struct.unpack(layout, content) if len(content) == struct.calcsize(layout) else ()


def _text(read: Reading, entry: _Entry | None) -> bytes:
    return read(min(entry.count, _MAX_TEXT), entry.offset) if entry else b""
