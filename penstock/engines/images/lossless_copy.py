"""A picture kept bit by bit, and nothing with it but what shows it and its credits: places, devices, thumbnails and
notes stay behind.

Where its blocks begin and end is told by JPEG's markers (ITU-T T.81, annex B), PNG's chunks (W3C PNG, 3rd edition, §5),
WebP's RIFF chunks (RFC 9649, §2) and GIF's blocks (GIF89a). Runs inside a child of the nursery.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from penstock.domain import errors
from penstock.domain.formats import ImageFormat
from penstock.engines.images.exif import EXIF_PREFIX, exif_of

_PNG_SIGNATURE_BYTES = 8
_PNG_SHOWN = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs"))
_WEBP_SHOWN = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
_WEBP_NOTES = 0b0010_1100  # the header's word that a profile, EXIF and XMP follow
_WEBP_EXIF = 0b0000_1000
_JPEG_FIRST_NOTE, _JPEG_LAST_NOTE, _JPEG_COMMENT = 0xE1, 0xEF, 0xFE
_JPEG_ADOBE, _JPEG_SCAN, _JPEG_END = 0xEE, 0xDA, 0xD9
_JPEG_ALONE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
# Baseline, extended and progressive frames of Huffman codes: of the others (and of twelve bits) few viewers show any.
_JPEG_FRAMES, _JPEG_SHOWN_FRAMES, _JPEG_BITS = frozenset(range(0xC0, 0xD0)) - {0xC4}, frozenset((0xC0, 0xC1, 0xC2)), 8
_GIF_EXTENSION, _GIF_PICTURE, _GIF_END = 0x21, 0x2C, 0x3B
_GIF_CONTROL, _GIF_APPLICATION, _GIF_LOOP = 0xF9, 0xFF, b"\x0bNETSCAPE2.0"


def keep(name: ImageFormat, path: str, target: str, tags: dict[str, str]) -> None:
    """Write the picture at `path` to a new file with these tags, without all else that does not show.

    Raises `InputUnreadable` for blocks that do not fit together, and `OutputInvalid` for a picture that few viewers
    show."""
    data = Path(path).read_bytes()
    try:
        kept = list(_SHOWN[name](data))
    except (IndexError, ValueError, struct.error) as cut:
        raise errors.InputUnreadable("The input is damaged and cannot be read.", detail=repr(cut)) from cut
    with Path(target).open("wb") as file:
        file.writelines(_CREDITED[name](kept, exif_of(tags)) if tags else kept)


def _jpeg(data: bytes) -> Iterator[bytes]:
    """Segment by segment to the end of the first picture; the depth maps and previews behind it are others."""
    at = 0
    while True:
        marker, length = data[at + 1], 0
        if marker not in _JPEG_ALONE and marker != _JPEG_END:
            (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if marker in _JPEG_FRAMES and not (marker in _JPEG_SHOWN_FRAMES and data[at + 4] == _JPEG_BITS):
            raise errors.OutputInvalid("The picture cannot stay as it is: few viewers show its kind of JPEG.")
        if marker == _JPEG_SCAN:
            end = _scanned(data, end)
        note = _JPEG_FIRST_NOTE <= marker <= _JPEG_LAST_NOTE or marker == _JPEG_COMMENT
        if marker == _JPEG_ADOBE or not note:
            yield _part(data, at, end)
        if marker == _JPEG_END:
            return
        at = end


def _scanned(data: bytes, at: int) -> int:
    """Where the next marker is that does not belong to the coded pixels."""
    while True:
        at = data.index(b"\xff", at)
        if data[at + 1] == 0xFF:
            at += 1
        elif data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
        else:
            return at


def _png(data: bytes) -> Iterator[bytes]:
    yield data[:_PNG_SIGNATURE_BYTES]
    at, kind = _PNG_SIGNATURE_BYTES, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in _PNG_SHOWN:
            yield _part(data, at, at + 12 + length)
        at += 12 + length


def _webp(data: bytes) -> Iterator[bytes]:
    (size,) = struct.unpack_from("<I", data, 4)
    chunks = [_webp_chunk(kind, block) for kind, block in _riff(_part(data, 12, 8 + size)) if kind in _WEBP_SHOWN]
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WEBP"
    yield from chunks


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        yield kind, _part(data, at, end)
        at = end


def _webp_chunk(kind: bytes, block: bytes) -> bytes:
    return block[:8] + bytes((block[8] & ~_WEBP_NOTES,)) + block[9:] if kind == b"VP8X" else block


def _gif(data: bytes) -> Iterator[bytes]:
    """Frames, when they are shown, and how often."""
    at = 13 + _colours(data[10])
    yield data[:at]
    while data[at] != _GIF_END:
        shown, end = _gif_block(data, at)
        if shown:
            yield _part(data, at, end)
        at = end
    yield _part(data, at, at + 1)


def _gif_block(data: bytes, at: int) -> tuple[bool, int]:
    if data[at] == _GIF_PICTURE:
        return True, _sub_blocks_end(data, at + 11 + _colours(data[at + 9]))
    if data[at] != _GIF_EXTENSION:
        raise IndexError(f"a block of kind {data[at]}")
    loops = data[at + 1] == _GIF_APPLICATION and data[at + 2 : at + 14] == _GIF_LOOP
    return loops or data[at + 1] == _GIF_CONTROL, _sub_blocks_end(data, at + 2)


def _sub_blocks_end(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _part(data: bytes, start: int, end: int) -> bytes:
    if end > len(data):
        raise IndexError(f"{end - len(data)} bytes are missing")
    return data[start:end]


def _colours(flags: int) -> int:
    """Bytes of the table that these flags tell of."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _credited_jpeg(parts: list[bytes], exif: bytes) -> list[bytes]:
    """Behind the start, and behind JFIF's own header where there is one."""
    at = 2 if parts[1][:2] == b"\xff\xe0" else 1
    return [*parts[:at], struct.pack(">2BH", 0xFF, _JPEG_FIRST_NOTE, 2 + len(exif)) + exif, *parts[at:]]


def _credited_png(parts: list[bytes], exif: bytes) -> list[bytes]:
    """Behind the header."""
    body = b"eXIf" + exif.removeprefix(EXIF_PREFIX)
    return [*parts[:2], struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)), *parts[2:]]


def _credited_webp(parts: list[bytes], exif: bytes) -> list[bytes]:
    """At the end, and told of by the extended header, without which there was no tag to begin with."""
    front, extended, *rest = parts
    if extended[:4] != b"VP8X":
        return parts
    body = exif.removeprefix(EXIF_PREFIX)
    chunk = struct.pack("<4sI", b"EXIF", len(body)) + body + b"\0" * (len(body) % 2)
    told = extended[:8] + bytes((extended[8] | _WEBP_EXIF,)) + extended[9:]
    (size,) = struct.unpack_from("<I", front, 4)
    return [front[:4] + struct.pack("<I", size + len(chunk)) + front[8:], told, *rest, chunk]


_SHOWN: dict[ImageFormat, Callable[[bytes], Iterator[bytes]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "gif": _gif,
}
# GIF has no place for them.
_CREDITED: dict[ImageFormat, Callable[[list[bytes], bytes], list[bytes]]] = {
    "jpeg": _credited_jpeg,
    "png": _credited_png,
    "webp": _credited_webp,
    "gif": lambda parts, _: parts,
}
