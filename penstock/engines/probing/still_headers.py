"""Headers of images whose first bytes alone do not tell them from text or other files, and of those that libav decodes
whole, with their sizes."""

import re
import struct
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Literal

_NETPBM = re.compile(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d{1,6}\s+(#[^\n]*\n\s*)*\d{1,6}\s")
# Portable maps of floats of 32 and of 16 bits. One white space character ends the header.
_FLOAT_MAP = rb"P(?P<kind>[%s])\s+(?P<width>\d{1,6})\s+(?P<height>\d{1,6})\s+(?P<scale>-?\d[\d.]{0,15}(e[+-]\d\d)?)\s"
PFM, PHM = re.compile(_FLOAT_MAP % b"Ff"), re.compile(_FLOAT_MAP % b"Hh")
# Only pixels in RGB from the top left, as nearly all are; not XYZ.
RADIANCE = re.compile(
    rb"#\?(RADIANCE|RGBE)\n([^\n]+\n){0,99}FORMAT=32-bit_rle_rgbe\n([^\n]+\n){0,99}\n"
    rb"-Y (?P<height>\d{1,6}) \+X (?P<width>\d{1,6})\n"
)
# How many bits of a pixel may be alpha, by kind (1 color-mapped, 2 true-color, 3 gray; with run lengths 8 more) and
# bits of the pixel.
_TARGA_ALPHA_BITS = {(1, 8): (0,), (2, 16): (0, 1), (2, 24): (0,), (2, 32): (0, 8), (3, 8): (0,), (3, 16): (0, 8)}


def bmp(head: bytes) -> str | None:
    """Text may begin with `BM` too, so the size of the info header must be one of those that exist."""
    sizes = (12, 16, 40, 52, 56, 64, 108, 124)
    return "bmp" if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in sizes else None


def netpbm(head: bytes) -> str | None:
    """PBM, PGM, PPM, PFM and PHM. Text may begin with their two letters too, so numbers must follow."""
    kinds = (("netpbm", _NETPBM), ("pfm", PFM), ("phm", PHM))
    return next((name for name, pattern in kinds if pattern.match(head)), None)


def radiance(head: bytes) -> str | None:
    return "hdr" if RADIANCE.match(head) else None


def pcx(head: bytes) -> str | None:
    """Version, run-length encoding, and bits per pixel that exist; the padding at the end of the header is 0."""
    is_known = head[:1] == b"\x0a" and head[1:2] in (b"\0", b"\2", b"\3", b"\4", b"\5") and head[2:3] == b"\1"
    return "pcx" if is_known and head[3:4] in (b"\1", b"\2", b"\4", b"\x08") and not any(head[74:128]) else None


def targa(head: bytes) -> str | None:
    """Targa has no signature at its start, and only some files have one at their end. So its header must be consistent:
    type, palette, depth and number of alpha bits that exist together, a size, and 0 where it has no palette."""
    if len(head) < 18 or head[1] > 1 or head[2] not in (1, 2, 3, 9, 10, 11) or head[17] & 0xC0:
        return None
    kind, has_size = head[2] & 7, any(head[12:14]) and any(head[14:16])
    has_depth = head[17] & 0x0F in _TARGA_ALPHA_BITS.get((kind, head[16]), ())
    return "targa" if has_size and has_depth and _has_targa_palette(head, kind) else None


def _has_targa_palette(head: bytes, kind: int) -> bool:
    """Whether there is a palette of up to 256 colors if the pixels need one, and none else."""
    if kind != 1:
        return not any(head[1:2]) and not any(head[3:8])
    first, colors = int.from_bytes(head[3:5], "little"), int.from_bytes(head[5:7], "little")
    return head[1] == 1 and 0 < colors <= 256 - first and head[7] in (16, 24, 32)


def jpeg(head: bytes) -> str | None:
    """JPEG, and JPEG LS, which begins as one and differs by its frame header (ITU-T T.87 Annex C)."""
    if not head.startswith(_JPEG):
        return None
    return "jpegls" if head.startswith(_JPEG_LS_FRAME, _frame_header(head)) else "jpeg"


def msp(head: bytes) -> str | None:
    """Microsoft Paint of Windows 1 and 2: the exclusive or of all words of the header is 0."""
    is_known = head.startswith((b"DanM", b"LinS")) and len(head) >= 32
    return "msp" if is_known and reduce(xor, struct.unpack("<16H", head[:32])) == 0 else None


def photo_cd(head: bytes) -> str | None:
    """Kodak's image packs, not the overview of a disc."""
    return "photocd" if head[2048:2055] == b"PCD_IPI" else None


def still(head: bytes) -> str | None:
    """The container of a still that libav decodes whole."""
    found = still_header(head)
    return found.container if found else None


@dataclass(frozen=True, slots=True)
class StillHeader:
    """Width and height in pixels, and where the match of the header ends in the file."""

    container: str
    size: tuple[int, int]
    end: int


def still_header(head: bytes) -> StillHeader | None:
    """The header of a still that libav decodes whole, by the first 64 KiB of its file. None for other files."""
    start = _frame_header(head) if head.startswith(_JPEG) else 0
    for container, order, pattern in _STILLS:
        found = re.compile(pattern, re.DOTALL).match(head, start)
        if found and (sides := found.groupdict())["width"] and sides["height"]:
            return StillHeader(container, (_side(sides["width"], order), _side(sides["height"], order)), found.end())
    return None


def _side(value: bytes, order: Literal["big", "little"] | None) -> int:
    """A number of pixels: in decimal digits, if there is no order of bytes."""
    return int.from_bytes(value, order) if order else int(value)


def _frame_header(head: bytes) -> int:
    """Where the segments of a JPEG end that may come before the frame header of a JPEG LS."""
    offset = 2
    while head[offset : offset + 1] == b"\xff" and head[offset + 1 : offset + 2] in _JPEG_SEGMENTS:
        offset += 2 + max(2, int.from_bytes(head[offset + 2 : offset + 4], "big"))
    return offset


_JPEG, _JPEG_LS_FRAME = b"\xff\xd8\xff", b"\xff\xf7"
# Those of applications, comments, and parameters of JPEG LS.
_JPEG_SEGMENTS = tuple(bytes((marker,)) for marker in (*range(0xE0, 0xF0), 0xFE, 0xF8))
_W4_H4 = rb"(?P<width>.{4})(?P<height>.{4})"
_W2_H2 = rb"(?P<width>.{2})(?P<height>.{2})"
_W_H = rb"(?P<width>\d{1,6}) (?P<height>\d{1,6})"
# Container, order of the bytes of width and height (None: decimal digits), and the header as a regular expression.
_STILLS: tuple[tuple[str, Literal["big", "little"] | None, bytes], ...] = (
    # depth; type; with or without a palette
    ("sunrast", "big", rb"\x59\xa6\x6a\x95" + _W4_H4 + rb"\0{3}[\x01\x04\x08\x18\x20].{4}\0{3}[\0-\x03]\0{3}[\0\x01]"),
    (
        "xbm",
        None,
        (
            rb"(?:/\*[^*]{0,999}\*/\s*)?#define\s+\S+_width\s+(?P<width>\d{1,6})\s+#define\s+\S+_height\s+"
            rb"(?P<height>\d{1,6})\s+(?:#define\s+\S+_[xy]_hot\s+-?\d+\s+){0,2}"
            rb"(?:static\s+)?(?:const\s+)?(?:unsigned\s+)?char\s+\S+_bits\s*\[\s*\]\s*=\s*\{\s*0x"
        ),
    ),
    (
        "xpm",
        None,
        (
            rb"/\* XPM \*/\s*(?:static\s+)?(?:const\s+)?char\s*(?:const\s*)?\*\s*(?:const\s+)?\w+\s*\[\s*\]\s*=\s*\{\s*"
            rb"(?:/\*[^*]{0,999}\*/\s*)?\"\s*(?P<width>\d{1,6})\s+(?P<height>\d{1,6})\s+\d{1,6}\s+[1-9][\s\"]"
        ),
    ),
    # version 7, pixels together, depth, no offset, order of bytes
    ("xwd", "big", rb"\0\0..\0{3}\x07\0{3}\x02\0{3}[\x01-\x20]" + _W4_H4 + rb"\0{4}\0{3}[\0\x01]"),
    (
        "pam",
        None,
        (
            rb"P7(?=[^\0]{0,999}?\nWIDTH \d)(?=[^\0]{0,999}?\nHEIGHT \d)\n(?:(?:#[^\n]*|TUPLTYPE [A-Z_]+|"
            rb"(?:DEPTH|MAXVAL) \d{1,6}|WIDTH (?P<width>\d{1,6})|HEIGHT (?P<height>\d{1,6}))\n){4,40}ENDHDR\n"
        ),
    ),
    ("pgx", None, rb"PG ML ?[+-]? ?\d{1,2} " + _W_H + rb"[ \r\n]"),
    # a rectangle from 0, then the opcodes of version 2 and of its header
    ("pict", "big", rb"(?:.{512})?.{2}\0{4}(?P<height>.{2})(?P<width>.{2})\0\x11\x02\xff\x0c\0"),
    # at 0, depth, version 2, video mode, type and length of the palette
    (
        "pictor",
        "little",
        rb"\x34\x12" + _W2_H2 + rb"\0{4}[\x01\x02\x04\x08\x11\x21\x31]\xff[0-9A-R][\0-\5]\0.[\0-\x03]",
    ),
    # version, length of the header in words, planes, bytes of a pattern, size of a pixel
    ("gem", "big", rb"\0[\x01-\x03]\0[\x08\x0d\x11\x19]\0[\x01-\x04\x08]\0[\x01-\x08].{4}" + _W2_H2),
    ("gem", "big", rb"\0[\x01-\x03][\0-\x03].\0[\x01-\x20]\0[\x01-\x08].{4}" + _W2_H2 + rb"(?:STTT|XIMG|TIMG)"),
    ("vbn", "little", rb"\x1e\xf1\x0d\x90\x03\0{3}\x04\0{3}" + _W4_H4),
    ("cri", "little", rb"\x01\0{3}\x04\0{3}DVCC.{0,999}?d\0{3}[\x10-\xff]\0{3}" + _W4_H4 + rb".\0{3}\x01\0{3}"),
    ("jpegls", "big", rb"\xff\xf7.{2}[\x02-\x10](?P<height>.{2})(?P<width>.{2})[\x01-\x04]"),
    ("dpx", "big", rb"SDPX.{768}" + _W4_H4),
    ("dpx", "little", rb"XPDS.{768}" + _W4_H4),
    ("ilbm", "big", rb"FORM.{4}(?:ILBM|PBM |ACBM|RGB8|RGBN).{0,9999}?BMHD\0{3}\x14" + _W2_H2),
    (
        "fits",
        None,
        (
            rb"SIMPLE  = {20}T[ -~]{50}(?:[ -~]{80}){1,99}?NAXIS1  = +(?P<width>\d{1,6}) [ -~]{0,79}"
            rb"NAXIS2  = +(?P<height>\d{1,6}) "
        ),
    ),
    ("brender", "big", rb"\0{3}\x12\0{3}\x08\0{3}\x02\0{3}\x02\0{3}[\3\x3d].{4}[\x03-\x08\x12].{2}" + _W2_H2),
    # version 1, channels; bits, colors in a mode that is read
    ("psd", "big", rb"8BPS\0\x01\0{6}\0[\1-\x38](?P<height>.{4})(?P<width>.{4})\0[\1\x08\x10]\0[\0-\4\x08\x09]"),
    # a dictionary, its information, a texture, its data; with a palette or compressed
    (
        "txd",
        "little",
        (
            rb"\x16\0{3}.{4}(?P<mark>\xff\xff\x03[\x10\x18])\x01\0{3}\x04\0{3}(?P=mark).{4}\x15\0{3}.{4}(?P=mark)"
            rb"\x01\0{3}.{4}(?P=mark)[\x08\x09]\0{3}.{76}" + _W2_H2 + rb"[\x08\x10]"
        ),
    ),
)
