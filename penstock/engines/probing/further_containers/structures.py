"""Containers without a mark of their own, or with a short one: known by a header whose parts fit each other."""

import re

_MPJPEG = re.compile(
    rb"--[\w.-]{1,70}\r\nContent-type: image/jpeg\r\n(?:[\w-]+: [^\r\n]*\r\n)*\r\n\xff\xd8\xff", re.IGNORECASE
)
_TEXT_HEADERS = {
    "nistsphere": re.compile(rb"NIST_1A\n *\d{3,6}\n(?:[^\n]{1,200}\n){0,99}?sample_rate -i \d+\n"),
    "pvf": re.compile(rb"PVF1\n\d{1,2} \d{3,6} (?:8|16|32)\n"),
    "rpl": re.compile(rb"ARMovie\n(?:[^\n]{0,200}\n){3} *\d+ [^\n]{0,200}\n *\d+ [^\n]{0,200}\n *\d+ "),
    "ilbc": re.compile(rb"#!iLBC[23]0\n[\t\n -~]{0,37}[^\t\n -~]"),
}
_MAX_SWF_VERSION, _SWF_HEADER_BYTES, _SWF_RECTANGLE_BITS = 50, 26, 144
_RSO_HEADER_BYTES, _RSO_MAX_DATA = 8, 65_535
_SBC_FRAMES = 3
# The longest burst is that of TrueHD.
_SPDIF_SYNC, _SPDIF_BURST_BYTES = b"\x72\xf8\x1f\x4e", 65_536


def by_structure(head: bytes) -> str | None:
    """ADX, RSO, SWF, SBC, S/PDIF, streams of JPEGs with MIME headers, and containers whose headers are text."""
    by_text = next((container for container, header in _TEXT_HEADERS.items() if header.match(head)), None)
    return by_text or next((container for container, fits in _FITS if fits(head)), None)


def _is_adx(head: bytes) -> bool:
    """The header ends with `(c)CRI`, and its length is in it."""
    end = int.from_bytes(head[2:4])
    return head[:2] == b"\x80\0" and end >= 8 and head[end - 2 : end + 4] == b"(c)CRI"


def _is_rso(head: bytes) -> bool:
    """Linear or ADPCM, the length of all data up to the end of the file, and a sample rate; not a loop."""
    if len(head) < _RSO_HEADER_BYTES or head[:2] not in (b"\1\0", b"\1\1") or any(head[6:8]):
        return False
    data, hertz = int.from_bytes(head[2:4]), int.from_bytes(head[4:6])
    return hertz >= 4000 and data > 0 and (len(head) - _RSO_HEADER_BYTES == data or data == _RSO_MAX_DATA <= len(head))


def _is_swf(head: bytes) -> bool:
    """A version, the length of the file, and a rectangle from 0, 0 (SWF File Format Specification, chapter 2)."""
    if len(head) < _SWF_HEADER_BYTES or not 1 <= head[3] <= _MAX_SWF_VERSION:
        return False
    if head[:3] == b"CWS":  # compressed by zlib
        return head[8] == 0x78 and int.from_bytes(head[8:10]) % 31 == 0
    if head[:3] != b"FWS":
        return False
    return _is_swf_rectangle(int.from_bytes(head[8:26]), head[8] >> 3)


def _is_swf_rectangle(fields: int, bits: int) -> bool:
    """Whether left and top are 0, and right and bottom are not; each has so many bits, after the five that say this."""
    shifts = (_SWF_RECTANGLE_BITS - 5 - bits * place for place in range(1, 5))
    left, right, top, bottom = (fields >> shift & (1 << bits) - 1 for shift in shifts)
    return left == top == 0 and right > 0 and bottom > 0


def _is_sbc(head: bytes) -> bool:
    """Frames that follow each other (Bluetooth A2DP, appendix B)."""
    for _ in range(_SBC_FRAMES):
        length = _sbc_frame_bytes(head[:3])
        if not length:
            return False
        head = head[length:]
    return True


def _sbc_frame_bytes(header: bytes) -> int:
    """The length of a frame by its header; 0 if it is none."""
    if len(header) < 3 or header[0] != 0x9C:
        return 0
    blocks, mode, bands, bits = 4 * ((header[1] >> 4 & 3) + 1), header[1] >> 2 & 3, 4 * ((header[1] & 1) + 1), header[2]
    channels = 1 if mode == 0 else 2
    if not 2 <= bits <= (16 if mode < 2 else 32) * bands:
        return 0
    per_channel = channels if mode < 2 else 1
    joint = bands if mode == 3 else 0
    return 4 + bands * channels // 2 + (blocks * per_channel * bits + joint + 7) // 8


def _is_spdif(head: bytes) -> bool:
    """Two bursts of data as IEC 61937 has them, of the same type, in little-endian samples of 16 bits."""
    if not head.startswith(_SPDIF_SYNC):
        return False
    follows = head.find(_SPDIF_SYNC + head[4:5], 8, _SPDIF_BURST_BYTES)
    return 0 < head[4] & 31 < 28 and follows > 0 and follows % 4 == 0


def _is_mpjpeg(head: bytes) -> bool:
    return bool(_MPJPEG.match(head))


_FITS = (
    ("adx", _is_adx),
    ("rso", _is_rso),
    ("swf", _is_swf),
    ("sbc", _is_sbc),
    ("spdif", _is_spdif),
    ("mpjpeg", _is_mpjpeg),
)
