"""Headers of images whose first bytes alone do not tell them from text or other files."""

import re

_NETPBM = re.compile(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d{1,6}\s+(#[^\n]*\n\s*)*\d{1,6}\s")
# One white space character ends the header.
PFM = re.compile(
    rb"P(?P<kind>[Ff])\s+(?P<width>\d{1,6})\s+(?P<height>\d{1,6})\s+(?P<scale>-?\d[\d.]{0,15}(e[+-]\d\d)?)\s"
)
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
    """PBM, PGM, PPM and PFM. Text may begin with their two letters too, so numbers must follow."""
    return "netpbm" if _NETPBM.match(head) else "pfm" if PFM.match(head) else None


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
