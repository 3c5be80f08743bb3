"""Copy an image without re-encoding its pixels, and without metadata apart from the kept tags: locations, devices,
thumbnails and comments are dropped. Runs in a child process."""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from penstock.domain import errors
from penstock.domain.formats import ImageFormat
from penstock.engines.images.exif import EXIF_PREFIX, exif_bytes
from penstock.engines.images.file_blocks import (
    GIF_APPLICATION,
    GIF_CONTROL,
    GIF_IMAGE,
    GIF_TRAILER,
    PNG_SIGNATURE_BYTES,
    RIFF_HEADER_BYTES,
    Block,
    block_bytes,
    gif_blocks,
    gif_header_bytes,
    jpeg_segments,
    png_chunks,
    riff_chunks,
)

_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs"))
_WEBP_KEPT = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
# Flags of VP8X: an ICC profile, EXIF and XMP follow.
_WEBP_METADATA_FLAGS = 0b0010_1100
_WEBP_EXIF_FLAG = 0b0000_1000
# APP1 to APP15 and comments are dropped, apart from APP14 (Adobe), which has the color transform.
_JPEG_METADATA = frozenset((*range(0xE1, 0xF0), 0xFE)) - {0xEE}
_JPEG_APP0, _JPEG_APP1 = b"\xff\xe0", 0xE1
# Most viewers show baseline, extended and progressive frames with Huffman coding and 8 bits, and no others.
_JPEG_FRAMES, _JPEG_COMMON_FRAMES, _JPEG_BITS = frozenset(range(0xC0, 0xD0)) - {0xC4}, frozenset((0xC0, 0xC1, 0xC2)), 8
_GIF_LOOP = b"\x0bNETSCAPE2.0"


def copy_image(name: ImageFormat, path: str, target: str, tags: dict[str, str]) -> None:
    """Write the image at `path` to a new file with these tags and no other metadata.

    Raises `InputUnreadable` for a damaged file, and `OutputInvalid` for a JPEG that most viewers do not show."""
    data = Path(path).read_bytes()
    try:
        parts = list(_KEPT_PARTS[name](data))
    except (IndexError, ValueError, struct.error) as error:
        raise errors.InputUnreadable("The input is damaged and cannot be read.", detail=repr(error)) from error
    with Path(target).open("wb") as file:
        file.writelines(_WITH_EXIF[name](parts, exif_bytes(tags)) if tags else parts)


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    """The segments of the first image, without metadata. Depth maps and previews after it are other images."""
    for segment in jpeg_segments(data):
        marker = segment.kind[0]
        if marker in _JPEG_FRAMES and not (marker in _JPEG_COMMON_FRAMES and data[segment.content] == _JPEG_BITS):
            raise errors.OutputInvalid("The image cannot be copied: most viewers do not show this kind of JPEG.")
        if marker not in _JPEG_METADATA:
            yield block_bytes(data, segment)


def _png_parts(data: bytes) -> Iterator[bytes]:
    yield data[:PNG_SIGNATURE_BYTES]
    for chunk in png_chunks(data):
        if chunk.kind in _PNG_KEPT:
            yield block_bytes(data, chunk)
        if chunk.kind == b"IEND":
            return
    raise IndexError("the last chunk is missing")


def _webp_parts(data: bytes) -> Iterator[bytes]:
    """The RIFF header, with the new size, and the chunks that are kept."""
    (size,) = struct.unpack_from("<I", data, 4)
    riff = block_bytes(data, Block(b"RIFF", 0, RIFF_HEADER_BYTES, 8 + size, 8 + size))
    chunks = [_webp_chunk(chunk, block_bytes(riff, chunk)) for chunk in riff_chunks(riff) if chunk.kind in _WEBP_KEPT]
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WEBP"
    yield from chunks


def _webp_chunk(chunk: Block, content: bytes) -> bytes:
    """A VP8X chunk without the flags for metadata; any other as it is."""
    if chunk.kind != b"VP8X":
        return content
    return content[:8] + bytes((content[8] & ~_WEBP_METADATA_FLAGS,)) + content[9:]


def _gif_parts(data: bytes) -> Iterator[bytes]:
    """Frames, their durations, and the number of repeats."""
    header = gif_header_bytes(data)
    yield block_bytes(data, Block(b"", 0, 0, header, header))
    for block in gif_blocks(data):
        if block.kind[0] not in (GIF_IMAGE[0], GIF_CONTROL[0]):
            raise ValueError(f"a block of kind {block.kind[0]}")
        is_loop = block.kind == GIF_APPLICATION and data[block.content : block.content + 12] == _GIF_LOOP
        if is_loop or block.kind in (GIF_IMAGE, GIF_CONTROL):
            yield block_bytes(data, block)
    yield GIF_TRAILER


def _jpeg_with_exif(parts: list[bytes], exif: bytes) -> list[bytes]:
    """After the start of the image, and after JFIF's APP0 if there is one."""
    position = 2 if parts[1][:2] == _JPEG_APP0 else 1
    segment = struct.pack(">2BH", 0xFF, _JPEG_APP1, 2 + len(exif)) + exif
    return [*parts[:position], segment, *parts[position:]]


def _png_with_exif(parts: list[bytes], exif: bytes) -> list[bytes]:
    """After the header."""
    body = b"eXIf" + exif.removeprefix(EXIF_PREFIX)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return [*parts[:2], chunk, *parts[2:]]


def _webp_with_exif(parts: list[bytes], exif: bytes) -> list[bytes]:
    """At the end, with its flag set in VP8X. A file without VP8X had no tags that could be kept."""
    riff, extended, *rest = parts
    if extended[:4] != b"VP8X":
        return parts
    body = exif.removeprefix(EXIF_PREFIX)
    chunk = struct.pack("<4sI", b"EXIF", len(body)) + body + b"\0" * (len(body) % 2)
    flagged = extended[:8] + bytes((extended[8] | _WEBP_EXIF_FLAG,)) + extended[9:]
    (size,) = struct.unpack_from("<I", riff, 4)
    return [riff[:4] + struct.pack("<I", size + len(chunk)) + riff[8:], flagged, *rest, chunk]


_KEPT_PARTS: dict[ImageFormat, Callable[[bytes], Iterator[bytes]]] = {
    "jpeg": _jpeg_parts,
    "png": _png_parts,
    "webp": _webp_parts,
    "gif": _gif_parts,
}
# A GIF file cannot store EXIF.
_WITH_EXIF: dict[ImageFormat, Callable[[list[bytes], bytes], list[bytes]]] = {
    "jpeg": _jpeg_with_exif,
    "png": _png_with_exif,
    "webp": _webp_with_exif,
    "gif": lambda parts, _: parts,
}
