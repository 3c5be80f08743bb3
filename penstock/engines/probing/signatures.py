"""Detect a file's container from its first bytes, and choose the demuxer or Pillow plugin that may open it.

File names and declared types are ignored. A format that is not listed here is never opened, so that a playlist, script
or text file cannot select a demuxer.
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
    """The container by our name, and the demuxer (libav) or image format (Pillow) to force: `format_name`."""

    container: str
    reader: Reader
    format_name: str


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

_IFF_FORMS: dict[bytes, dict[bytes, str]] = {
    b"RIFF": {b"AVI ": "avi", b"WAVE": "wav", b"WEBP": "webp"},
    b"RF64": {b"WAVE": "wav"},
    b"FORM": {b"AIFF": "aiff", b"AIFC": "aiff"},
}

_MAX_BOXES = 1000
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
    """The type of the file at `path`. Raises `InputUnreadable` for an empty file and for formats that are not read."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise errors.InputUnreadable("The input is empty: it has 0 bytes.")
        if tag_bytes := _id3_bytes(head):
            file.seek(tag_bytes)
            return _file_type(_raw_audio(file.read(HEAD_BYTES)))
    return sniff_bytes(head)


def sniff_bytes(head: bytes) -> FileType:
    """The type of a file that begins with `head`; 64 KiB are enough. Raises `InputUnreadable`."""
    if tag_bytes := _id3_bytes(head):
        rest = head[tag_bytes:]
        return _file_type(_raw_audio(rest) if len(rest) > _PADDING_BYTES else "mp3")
    return _file_type(next((container for detect in _DETECTORS if (container := detect(head))), None))


def forced_format(container: str) -> str:
    """The demuxer or Pillow format that reads this container."""
    return READERS[container][1]


def ends_inside_box(path: Path) -> bool:
    """Whether an ISO base media file (MP4, QuickTime) ends before one of its top-level boxes does."""
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        for _ in range(_MAX_BOXES):
            file.seek(offset)
            head = file.read(16)
            if head[4:8] not in (b"ftyp", *_QUICKTIME_BOXES):
                break
            offset += int.from_bytes(head[8:16] if head[:4] == b"\0\0\0\1" else head[:4], "big")
    return offset > size


def _file_type(container: str | None) -> FileType:
    if container is None:
        raise errors.InputUnreadable("The input is not a video, audio or image in a format that can be read.")
    return FileType(container, *READERS[container])


def _by_prefix(head: bytes) -> str | None:
    return next((container for prefix, container in _PREFIXES if head.startswith(prefix)), None)


def _iff(head: bytes) -> str | None:
    return _IFF_FORMS.get(head[:4], {}).get(head[8:12])


def _bmp(head: bytes) -> str | None:
    """Text may begin with `BM` too, so the size of the info header must be one of those that exist."""
    sizes = (12, 16, 40, 52, 56, 64, 108, 124)
    return "bmp" if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in sizes else None


def _iso_media(head: bytes) -> str | None:
    """ISO base media files by their major brand; files without a brand are QuickTime."""
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


def _mpegts(head: bytes) -> str | None:
    packets = head[: 188 * 5 : 188]
    return "mpegts" if len(head) >= 188 * 5 and set(packets) == {0x47} else None


def _raw_audio(head: bytes) -> str | None:
    """Audio without a container, by the sync word of its first frame; zero padding may come before it."""
    start = head.lstrip(b"\x00")
    if len(head) - len(start) > _PADDING_BYTES:
        return None
    return _audio_by_prefix(start) or _adts(start) or _mpeg_audio(start)


def _audio_by_prefix(head: bytes) -> str | None:
    container = _by_prefix(head)
    return container if container in ("ac3", "flac", "ape", "wavpack") else None


def _adts(head: bytes) -> str | None:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    follows = head[length : length + 2]
    return "aac" if length > 7 and (not follows or (follows[0] == 0xFF and follows[1:] == head[1:2])) else None


# MPEG-1 and MPEG-2/2.5 layer III (ISO/IEC 11172-3 §2.4.2.3, 13818-3).
_KBPS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_HERTZ = (44_100, 48_000, 32_000)


def _mpeg_audio(head: bytes) -> str | None:
    """Consecutive MPEG audio frames: two at the start of the file, three after junk. Fewer may be a coincidence."""
    starts = (offset for offset in range(min(len(head), _PADDING_BYTES)) if head[offset] == 0xFF)
    return "mp3" if any(_has_frames(head, offset, 3 if offset else 2) for offset in starts) else None


def _has_frames(head: bytes, offset: int, count: int) -> bool:
    for _ in range(count):
        length = _mpeg_frame_bytes(head[offset : offset + 4])
        if length is None:
            return False
        offset += length
        if offset + 4 > len(head):
            return True
    return True


def _mpeg_frame_bytes(header: bytes) -> int | None:
    """The length of a layer III frame by its header; None if it is no such header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, bitrate, sample_rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or sample_rate == 3:
        return None
    is_mpeg1 = version == 3
    hertz = _HERTZ[sample_rate] // {3: 1, 2: 2, 0: 4}[version]
    kbps = _KBPS[0 if is_mpeg1 else 1][bitrate]
    return (144 if is_mpeg1 else 72) * kbps * 1000 // hertz + (header[2] >> 1 & 1)


def _id3_bytes(head: bytes) -> int:
    """The length of an ID3v2 tag, which may precede audio of any format; 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10 or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    return size + 10


_DETECTORS: tuple[Callable[[bytes], str | None], ...] = (
    _by_prefix,
    _iff,
    _bmp,
    _iso_media,
    _matroska,
    _mpegts,
    _raw_audio,
)
