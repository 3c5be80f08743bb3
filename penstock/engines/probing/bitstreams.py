"""What a key packet says of the frames that follow. Where that changes midway, so may their size. Runs inside a child.

Places of the fields: H.264 and H.265 (ITU-T H.264 §7.3.1, H.265 §7.3.1), VP8 (RFC 6386 §9.1), VP9 and AV1 (their
bitstream specifications, §6.2 and §5.3), MPEG-1/2/4 by the start codes of their headers.
"""

import re
from collections.abc import Callable, Iterator

_LOOKED_THROUGH = 4096
_START = b"\0\0\1"

Shape = Callable[[memoryview], bytes | None]


def _vp8(packet: memoryview) -> bytes | None:
    return bytes(packet[6:10])


def _vp9(packet: memoryview) -> bytes | None:
    """Four bytes of sizes stand half a byte off, in the profile that is played everywhere."""
    return (int.from_bytes(packet[4:9]) >> 4 & 0xFFFFFFFF).to_bytes(4)


def _av1(packet: memoryview) -> bytes | None:
    """The sequence header; only a temporal delimiter, which is empty, may stand before it."""
    header = packet[2:] if packet[0] >> 3 & 15 == 2 else packet
    if len(header) < 2 or header[0] >> 3 & 15 != 1:
        return None
    return bytes(header[2 : 2 + header[1]])


def _h264(packet: memoryview) -> bytes | None:
    return next((bytes(unit) for unit in _units(packet) if unit[0] & 31 == 7), None)


def _h265(packet: memoryview) -> bytes | None:
    return next((bytes(unit) for unit in _units(packet) if unit[0] >> 1 & 63 == 33), None)


def _units(packet: memoryview) -> Iterator[memoryview | bytes]:
    """The units of a packet, however they are parted: by start codes, or each behind four bytes with its length."""
    if bytes(packet[:3]) == _START or bytes(packet[:4]) == b"\0" + _START:
        yield from (unit for unit in re.split(b"\0*\0\0\1", bytes(packet[:_LOOKED_THROUGH])) if unit)
        return
    place = 0
    while place + 4 < len(packet):
        length = max(1, int.from_bytes(packet[place : place + 4]))
        yield packet[place + 4 : place + 4 + length]
        place += 4 + length


def _behind(code: bytes, length: int) -> Shape:
    """The bytes that follow a start code."""
    pattern = re.compile(re.escape(_START) + code + b"(.{%d})" % length, re.DOTALL)

    def read(packet: memoryview) -> bytes | None:
        found = pattern.search(bytes(packet[:_LOOKED_THROUGH]))
        return found[1] if found else None

    return read


SHAPES: dict[str, Shape] = {
    "h264": _h264,
    "hevc": _h265,
    "vp8": _vp8,
    "vp9": _vp9,
    "av1": _av1,
    "mpeg1video": _behind(b"\xb3", 4),
    "mpeg2video": _behind(b"\xb3", 4),
    "mpeg4": _behind(b"[\x20-\x2f]", 9),
}
