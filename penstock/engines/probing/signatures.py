"""What a file is, from its first bytes alone: our own list of what may be opened, and by which reader.

A name or a declared type is never asked. What is not listed is not opened, so that no playlist, script or text
can choose a demuxer for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from penstock.domain import errors

HEAD_BYTES = 64 * 1024
_PADDING_BYTES = 4096

Reader = Literal["libav", "pillow"]


@dataclass(frozen=True, slots=True)
class FileType:
    """Our word for the container, and the demuxer or picture format to force."""

    container: str
    reader: Reader
    opener: str


READERS: dict[str, tuple[Reader, str]] = {
    "mp4": ("libav", "mov"),
    "mov": ("libav", "mov"),
    "m4a": ("libav", "mov"),
    "3gp": ("libav", "mov"),
    "webm": ("libav", "matroska"),
    "matroska": ("libav", "matroska"),
    "avi": ("libav", "avi"),
    "flv": ("libav", "flv"),
    "mpeg": ("libav", "mpeg"),
    "mpegts": ("libav", "mpegts"),
    "asf": ("libav", "asf"),
    "ogg": ("libav", "ogg"),
    "mp3": ("libav", "mp3"),
    "wav": ("libav", "wav"),
    "flac": ("libav", "flac"),
    "aiff": ("libav", "aiff"),
    "aac": ("libav", "aac"),
    "ac3": ("libav", "ac3"),
    "amr": ("libav", "amr"),
    "ape": ("libav", "ape"),
    "wavpack": ("libav", "wv"),
    "jpeg": ("pillow", "JPEG"),
    "png": ("pillow", "PNG"),
    "gif": ("pillow", "GIF"),
    "webp": ("pillow", "WEBP"),
    "tiff": ("pillow", "TIFF"),
    "bmp": ("pillow", "BMP"),
    "ico": ("pillow", "ICO"),
    "jpeg2000": ("pillow", "JPEG2000"),
    "avif": ("pillow", "AVIF"),
    "heif": ("pillow", "HEIF"),
}

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"FLV\x01", "flv"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", "asf"),
    (b"OggS\x00", "ogg"),
    (b"fLaC", "flac"),
    (b"#!AMR\n", "amr"),
    (b"#!AMR-WB\n", "amr"),
    (b"MAC \x96\x0f", "ape"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"\x0b\x77", "ac3"),
)

_FORMS: dict[bytes, dict[bytes, str]] = {
    b"RIFF": {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp"},
    b"RF64": {b"WAVE": "wav"},
    b"FORM": {b"AIFF": "aiff", b"AIFC": "aiff"},
}

_MOST_BOXES = 1000
_QUICKTIME_BOXES = (b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_BRANDS: dict[bytes, str] = {
    b"qt  ": "mov",
    b"M4A ": "m4a",
    b"M4B ": "m4a",
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heif",
    b"heix": "heif",
    b"heim": "heif",
    b"heis": "heif",
    b"hevc": "heif",
    b"hevx": "heif",
}
_IMAGE_BRANDS = (b"mif1", b"msf1")
_FOREIGN_BRANDS = (b"crx ", b"jxl ", b"jp2 ", b"jpx ", b"mjp2")


def sniff(path: Path) -> FileType:
    """What the file at `path` is. Raises `InputUnreadable` for all that we do not open."""
    with path.open("rb") as source:
        head = source.read(HEAD_BYTES)
        if not head:
            raise errors.InputUnreadable("The input is empty: it has 0 bytes.")
        behind = _id3_bytes(head)
        if behind:
            source.seek(behind)
            return _known(_sound(source.read(HEAD_BYTES)))
    return sniff_bytes(head)


def sniff_bytes(head: bytes) -> FileType:
    """The same from the first bytes, of which 64 KiB are plenty."""
    behind = _id3_bytes(head)
    if behind:
        rest = head[behind:]
        return _known(_sound(rest) if len(rest) > _PADDING_BYTES else "mp3")
    return _known(next((found for look in _LOOKS if (found := look(head))), None))


def ends_within_a_box(path: Path) -> bool:
    """Whether a file of the ISO family (MP4, QuickTime) ends before one of its outermost boxes does."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as source:
        for _ in range(_MOST_BOXES):
            source.seek(place)
            head = source.read(16)
            if head[4:8] not in (b"ftyp", *_QUICKTIME_BOXES):
                break
            place += int.from_bytes(head[8:16] if head[:4] == b"\0\0\0\1" else head[:4], "big")
    return place > size


def _known(container: str | None) -> FileType:
    if container is None:
        raise errors.InputUnreadable("The input is not a video, audio or image in a format that can be read.")
    return FileType(container, *READERS[container])


def _prefixed(head: bytes) -> str | None:
    return next((container for prefix, container in _PREFIXES if head.startswith(prefix)), None)


def _form(head: bytes) -> str | None:
    return _FORMS.get(head[:4], {}).get(head[8:12])


def _bitmap(head: bytes) -> str | None:
    """`BM` alone is two letters of text; the size of the header that follows is one of a few."""
    sizes = (12, 16, 40, 52, 56, 64, 108, 124)
    return "bmp" if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in sizes else None


def _boxes(head: bytes) -> str | None:
    """The ISO family: by its brand, and without one it is QuickTime's own."""
    if head[4:8] in _QUICKTIME_BOXES:
        return "mov"
    if head[4:8] != b"ftyp":
        return None
    brand, length = head[8:12], min(int.from_bytes(head[:4], "big"), 256)
    if brand in _FOREIGN_BRANDS:
        return None
    if brand in _IMAGE_BRANDS:
        return "avif" if b"avif" in head[16:length] or b"avis" in head[16:length] else "heif"
    return _BRANDS.get(brand, "3gp" if brand[:2] == b"3g" else "mp4")


def _matroska(head: bytes) -> str | None:
    if not head.startswith(b"\x1aE\xdf\xa3"):
        return None
    return "webm" if b"\x42\x82\x84webm" in head[:128] else "matroska"


def _transport(head: bytes) -> str | None:
    packets = head[: 188 * 5 : 188]
    return "mpegts" if len(head) >= 188 * 5 and set(packets) == {0x47} else None


def _sound(head: bytes) -> str | None:
    """Sound without a container: told by the sync word of a first frame, after padding if there is some."""
    start = head.lstrip(b"\x00")
    if len(head) - len(start) > _PADDING_BYTES:
        return None
    return _prefixed_sound(start) or _adts(start) or _layer3(start)


def _prefixed_sound(head: bytes) -> str | None:
    found = _prefixed(head)
    return found if found in ("ac3", "flac", "ape", "wavpack") else None


def _adts(head: bytes) -> str | None:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    follows = head[length : length + 2]
    return "aac" if length > 7 and (not follows or (follows[0] == 0xFF and follows[1:] == head[1:2])) else None


_KBPS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_HERTZ = (44_100, 48_000, 32_000)


def _layer3(head: bytes) -> str | None:
    """MPEG audio frames in a row; two at the very front, three behind junk, for less may be chance."""
    starts = (place for place in range(min(len(head), _PADDING_BYTES)) if head[place] == 0xFF)
    return "mp3" if any(_chained(head, place, 3 if place else 2) for place in starts) else None


def _chained(head: bytes, place: int, frames: int) -> bool:
    for _ in range(frames):
        length = _frame_bytes(head[place : place + 4])
        if length is None:
            return False
        place += length
        if place + 4 > len(head):
            return True
    return True


def _frame_bytes(head: bytes) -> int | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate, speed = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or speed == 3:
        return None
    newest = version == 3
    hertz = _HERTZ[speed] // {3: 1, 2: 2, 0: 4}[version]
    kbps = _KBPS[0 if newest else 1][rate]
    return (144 if newest else 72) * kbps * 1000 // hertz + (head[2] >> 1 & 1)


def _id3_bytes(head: bytes) -> int:
    """The length of an ID3v2 tag at the front, which may stand before sound of any kind; 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    return size + 10


_LOOKS: tuple[Callable[[bytes], str | None], ...] = (_prefixed, _form, _bitmap, _boxes, _matroska, _transport, _sound)
