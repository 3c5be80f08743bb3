"""Readers of the blocks of image files, without decoding pixels.

JPEG segments (ITU-T T.81 annex B), PNG chunks (W3C PNG, 3rd edition, §5), RIFF chunks of WebP (RFC 9649 §2) and GIF
blocks (GIF89a).
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

Data = bytes | mmap.mmap

PNG_SIGNATURE_BYTES, RIFF_HEADER_BYTES = 8, 12
GIF_IMAGE, GIF_CONTROL, GIF_APPLICATION, GIF_TRAILER = b"\x2c", b"\x21\xf9", b"\x21\xff", b"\x3b"
JPEG_SCAN, JPEG_END = b"\xda", b"\xd9"
_GIF_EXTENSION = 0x21
# Markers without a length: TEM, SOI, RST0 to RST7, EOI.
_JPEG_WITHOUT_LENGTH = frozenset((0x01, 0xD8, 0xD9, *range(0xD0, 0xD8)))
_START_BYTES = 32
_MAX_PNG_CHUNK_BYTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Block:
    """Offsets of one block in its file: where it starts, where its content starts and ends, and the first byte after
    it, which is after the end of the file if that is cut off. `kind` is the marker, name or label.

    Between content and end are the checksum of a PNG chunk and the padding byte of a RIFF chunk."""

    kind: bytes
    start: int
    content: int
    content_end: int
    end: int


def block_bytes(data: Data, block: Block) -> bytes:
    """The whole block. Raises `IndexError` if the file ends before it does."""
    if block.end > len(data):
        raise IndexError(f"{block.end - len(data)} bytes are missing")
    return data[block.start : block.end]


def content_start(data: Data, block: Block) -> bytes:
    """The first 32 bytes of the content, filled up with zeros."""
    return data[block.content : min(block.content_end, block.content + _START_BYTES)].ljust(_START_BYTES, b"\0")


def jpeg_segments(data: Data) -> Iterator[Block]:
    """The segments to the end of the first image; a scan includes its coded pixels. Raises `IndexError`, `ValueError`
    or `struct.error` for a damaged file."""
    offset, marker = 0, 0
    while bytes((marker,)) != JPEG_END:
        marker, length = data[offset + 1], 0
        if marker not in _JPEG_WITHOUT_LENGTH:
            (length,) = struct.unpack_from(">H", data, offset + 2)
        kind, end = bytes((marker,)), offset + 2 + length
        if kind == JPEG_SCAN:
            end = _jpeg_scan_end(data, end)
        yield Block(kind, offset, offset + 4, end, end)
        offset = end


def jpeg_has_more_scans(path: str, most: int) -> bool:
    """Whether the first image of a JPEG file has more scans than this, as far as it is not damaged."""
    scans = 0
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if not _occurs_more_often(data, b"\xff" + JPEG_SCAN, most):  # the segments of 10 MB take 20 ms
            return False
        with suppress(IndexError, ValueError, struct.error):
            for segment in jpeg_segments(data):
                scans += segment.kind == JPEG_SCAN
    return scans > most


def png_chunks(data: Data) -> Iterator[Block]:
    """The chunks to the end of the image. Raises `ValueError` for one that is longer than any may be (PNG §5.3): Pillow
    would allocate that much."""
    offset = PNG_SIGNATURE_BYTES
    while offset + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, offset)
        if length > _MAX_PNG_CHUNK_BYTES:
            raise ValueError(f"a chunk of {length} bytes")
        yield Block(name, offset, offset + 8, offset + 8 + length, offset + 12 + length)
        if name == b"IEND":
            return
        offset += 12 + length


def riff_chunks(data: Data) -> Iterator[Block]:
    offset = RIFF_HEADER_BYTES
    while offset + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, offset)
        yield Block(name, offset, offset + 8, offset + 8 + length, offset + 8 + length + length % 2)
        offset += 8 + length + length % 2


def gif_blocks(data: Data) -> Iterator[Block]:
    """The blocks before the trailer: images, extensions (their kind includes the label), and unknown bytes one by one.
    Raises `IndexError` if the file is cut off."""
    offset = gif_header_bytes(data)
    while data[offset] != GIF_TRAILER[0]:
        kind, content, end = data[offset : offset + 1], offset + 1, offset + 1
        if kind == GIF_IMAGE:
            end = _gif_sub_blocks_end(data, offset + 11 + _gif_table_bytes(data[offset + 9]))
        elif data[offset] == _GIF_EXTENSION:
            kind, content = bytes((_GIF_EXTENSION, data[offset + 1])), offset + 2
            end = _gif_sub_blocks_end(data, content)
        yield Block(kind, offset, content, end, end)
        offset = end


def gif_header_bytes(data: Data) -> int:
    """The length of the header with its global color table."""
    return 13 + _gif_table_bytes(data[10])


def png_has_chunk(path: str, name: bytes) -> bool:
    """Whether a PNG file has a chunk of this name anywhere."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(chunk.kind == name for chunk in png_chunks(data))


def png_chunk_before_pixels(path: str, name: bytes) -> bytes | None:
    """The first 32 bytes of a PNG file's chunk of this name, if it comes before the pixels."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        before = takewhile(lambda chunk: chunk.kind != b"IDAT", png_chunks(data))
        return next((content_start(data, chunk) for chunk in before if chunk.kind == name), None)


def _occurs_more_often(data: mmap.mmap, marker: bytes, most: int) -> bool:
    offset = -1
    for _ in range(most + 1):
        offset = data.find(marker, offset + 1)
        if offset < 0:
            return False
    return True


def _jpeg_scan_end(data: Data, offset: int) -> int:
    """The offset of the next marker that is neither a stuffed byte, a fill byte nor a restart marker."""
    while True:
        offset = data.find(b"\xff", offset)
        if offset < 0:
            raise ValueError("the scan has no end")
        if data[offset + 1] == 0xFF:
            offset += 1
        elif data[offset + 1] == 0 or 0xD0 <= data[offset + 1] <= 0xD7:
            offset += 2
        else:
            return offset


def _gif_sub_blocks_end(data: Data, offset: int) -> int:
    while data[offset]:
        offset += 1 + data[offset]
    return offset + 1


def _gif_table_bytes(flags: int) -> int:
    """The length of the color table that these flags declare."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
