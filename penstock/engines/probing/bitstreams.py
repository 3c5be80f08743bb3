"""The part of a key frame that holds the frame size: if it changes within a stream, the size may change too.

Positions of the fields: H.264 (ITU-T H.264 §7.3.1), H.265 (§7.3.1), VP8 (RFC 6386 §9.1), VP9 and AV1 (bitstream
specifications, §6.2 and §5.3), MPEG-1/2/4 by the start codes of their headers.
"""

import re
from collections.abc import Callable, Iterator

_SEARCHED_BYTES = 4096
_START_CODE = b"\0\0\1"

# Returns the header in a packet, or None if the packet has none.
HeaderReader = Callable[[memoryview], bytes | None]


def _vp8(packet: memoryview) -> bytes | None:
    return bytes(packet[6:10])


def _vp9(packet: memoryview) -> bytes | None:
    """Width and height begin four bits into byte 4 in profile 0, the one that browsers play."""
    return (int.from_bytes(packet[4:9]) >> 4 & 0xFFFFFFFF).to_bytes(4)


def _av1(packet: memoryview) -> bytes | None:
    """The sequence header OBU; only an empty temporal delimiter may precede it."""
    header = packet[2:] if packet[0] >> 3 & 15 == 2 else packet
    if len(header) < 2 or header[0] >> 3 & 15 != 1:
        return None
    return bytes(header[2 : 2 + header[1]])


def _h264(packet: memoryview) -> bytes | None:
    """The sequence parameter set, NAL unit type 7."""
    return next((bytes(unit) for unit in _nal_units(packet) if unit[0] & 31 == 7), None)


def _h265(packet: memoryview) -> bytes | None:
    """The sequence parameter set, NAL unit type 33."""
    return next((bytes(unit) for unit in _nal_units(packet) if unit[0] >> 1 & 63 == 33), None)


def _nal_units(packet: memoryview) -> Iterator[memoryview | bytes]:
    """The NAL units of a packet: separated by start codes (Annex B), or each after a length of four bytes (MP4)."""
    if bytes(packet[:3]) == _START_CODE or bytes(packet[:4]) == b"\0" + _START_CODE:
        yield from (unit for unit in re.split(b"\0*\0\0\1", bytes(packet[:_SEARCHED_BYTES])) if unit)
        return
    offset = 0
    while offset + 4 < len(packet):
        length = max(1, int.from_bytes(packet[offset : offset + 4]))
        yield packet[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _after_start_code(code: bytes, length: int) -> HeaderReader:
    """A reader of the `length` bytes after a start code."""
    pattern = re.compile(re.escape(_START_CODE) + code + b"(.{%d})" % length, re.DOTALL)

    def read(packet: memoryview) -> bytes | None:
        found = pattern.search(bytes(packet[:_SEARCHED_BYTES]))
        return found[1] if found else None

    return read


HEADER_READERS: dict[str, HeaderReader] = {
    "h264": _h264,
    "hevc": _h265,
    "vp8": _vp8,
    "vp9": _vp9,
    "av1": _av1,
    "mpeg1video": _after_start_code(b"\xb3", 4),
    "mpeg2video": _after_start_code(b"\xb3", 4),
    "mpeg4": _after_start_code(b"[\x20-\x2f]", 9),
}
