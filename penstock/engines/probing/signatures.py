"""Detect a file's container from its first bytes, and choose the demuxer or Pillow plugin that may open it.

File names and declared types are ignored. A format that is not listed here is never opened, so that a playlist, script
or text file cannot select a demuxer.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from penstock.domain import errors
from penstock.engines.probing.audio_frames import PADDING_BYTES, adts, mpeg_audio
from penstock.engines.probing.camera_raw import Reading, raw_kind
from penstock.engines.probing.elementary_streams import ac3, elementary_stream
from penstock.engines.probing.further_containers.marks import by_marks
from penstock.engines.probing.further_containers.structures import by_structure
from penstock.engines.probing.readers import READERS, FileType
from penstock.engines.probing.still_headers import bmp, jpeg, msp, netpbm, pcx, photo_cd, radiance, still, targa

HEAD_BYTES = 64 * 1024

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"icns\x00", "icns"),
    (b"DDS \x7c\x00\x00\x00", "dds"),
    (b"\x01\xda\x00\x01", "sgi"),
    (b"\x01\xda\x01\x01", "sgi"),
    (b"qoif\x00", "qoi"),
    (b"\xff\x0a", "jpegxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jpegxl"),
    (b"v/1\x01\x02", "exr"),
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
    (bytes.fromhex("060e2b34 02050101 0d010201"), "mxf"),  # a partition pack: other files have such keys too
    (bytes.fromhex("00000000 01bc"), "gxf"),
    (bytes.fromhex("b7d80020 3749da11 a64e0007 e95ead8d"), "wtv"),
    (b".RMF\x00\x00", "realmedia"),
    (b"nut/multimedia container\x00", "nut"),
    (b"DKIF\x00\x00", "ivf"),
    (b"YUV4MPEG2 ", "y4m"),
    (b"caff\x00\x01", "caf"),
    (b".snd\x00", "au"),
    (bytes.fromhex("72696666 2e91cf11"), "w64"),
    (b"Creative Voice File\x1a", "voc"),
    (b"TTA1", "tta"),
    (bytes.fromhex("7ffe8001"), "dts"),
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
    b"crx ": "cr3",
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
_FOREIGN_BRANDS = (b"jxl ", b"jp2 ", b"jpx ", b"mjp2")


def sniff(path: Path) -> FileType:
    """The type of the file at `path`. Raises `InputUnreadable` for an empty file and for formats that are not read."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if not head:
            raise errors.InputUnreadable("The input is empty: it has 0 bytes.")
        if tag_bytes := _id3_bytes(head):
            file.seek(tag_bytes)
            return _file_type(_raw_audio(file.read(HEAD_BYTES)))
        return _by_head(head, partial(os.pread, file.fileno()))


def sniff_bytes(head: bytes) -> FileType:
    """The type of a file that begins with `head`; 64 KiB are enough, but for some raw files, which look like TIFF.
    Raises `InputUnreadable`."""
    if tag_bytes := _id3_bytes(head):
        rest = head[tag_bytes:]
        return _file_type(_raw_audio(rest) if len(rest) > PADDING_BYTES else "mp3")
    return _by_head(head, lambda length, offset: head[offset : offset + length])


def _by_head(head: bytes, read: Reading) -> FileType:
    container = next((container for detect in _DETECTORS if (container := detect(head))), None)
    return _file_type(raw_kind(read) or container if container == "tiff" else container)


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
    """Packets of 188 bytes, with a timestamp before each on a Blu-ray and from camcorders, or with parity after it."""
    is_stream = any(_begin_with_sync(head[first:], length) for first, length in ((0, 188), (4, 192), (0, 204)))
    return "mpegts" if is_stream else None


def _begin_with_sync(head: bytes, length: int) -> bool:
    return len(head) >= 5 * length and set(head[: 5 * length : length]) == {0x47}


def _raw_audio(head: bytes) -> str | None:
    """Audio without a container, by the sync word of its first frame; zero padding may come before it."""
    start = head.lstrip(b"\x00")
    if len(head) - len(start) > PADDING_BYTES:
        return None
    return _audio_by_prefix(start) or ac3(start) or adts(start) or mpeg_audio(start)


def _audio_by_prefix(head: bytes) -> str | None:
    container = _by_prefix(head)
    return container if container in ("flac", "ape", "wavpack") else None


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
    jpeg,
    _iff,
    by_marks,
    by_structure,
    bmp,
    netpbm,
    radiance,
    pcx,
    msp,
    photo_cd,
    still,
    _iso_media,
    _matroska,
    _mpegts,
    elementary_stream,
    _raw_audio,
    targa,  # the least certain, so the last
)
