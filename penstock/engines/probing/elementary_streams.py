"""Streams without a container, known by the headers that begin them.

Each header must be followed by what its standard demands, so that text and other files never match."""

import re
from collections.abc import Iterator

_START_CODE = re.compile(rb"\x00\x00\x01(?=(.)(.?))", re.DOTALL)
_MAX_UNITS = 64
# ITU-T H.264 Annex A.
_H264_PROFILES = (44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 138, 139, 144, 244)
_SPS, _PPS, _SEI, _DELIMITER = 7, 8, 6, 9
_HEVC_VPS, _HEVC_SPS, _HEVC_PPS, _HEVC_DELIMITER = 32, 33, 34, 35
# The kinds of the first blocks of a DV frame: header, subcode, VAUX, audio, video (IEC 61834-2 §11.1).
_DV_BLOCK_BYTES, _DV_BLOCKS = 80, (0, 1, 1, 2, 2, 2, 3, 4)
_AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_MLP_SIGNATURE = b"\xb7\x52"
# ITU-T H.266 §7.4.2.2, table 5: parameter sets, and what may come before them.
_VVC_SPS, _VVC_PPS, _VVC_BEFORE = 15, 16, (12, 13, 14, 20)
# SMPTE VC-3 and DNxHR: the first bytes of a frame, and the compression IDs that exist.
_DNXHD_PREFIX, _DNXHD_IDS = b"\0\0\x02\x80", (range(1235, 1261), range(1270, 1275))


def elementary_stream(head: bytes) -> str | None:
    """H.261, H.263, H.264, HEVC, VVC, MPEG-1, 2 and 4, VC-1, AV1, APV, DV, DNxHD; MLP, TrueHD and LATM."""
    detectors = _starting_with_code if head[:3] == b"\0\0\1" or head[:4] == b"\0\0\0\1" else _others
    return next((found for detect in detectors if (found := detect(head))), None)


def ac3(head: bytes) -> str | None:
    """AC-3 or E-AC-3 by its first frame, after which another one begins (ETSI TS 102 366)."""
    if len(head) < 8 or head[:2] != b"\x0b\x77":
        return None
    is_enhanced = head[5] >> 3 > 10
    length = 2 * ((int.from_bytes(head[2:4]) & 0x7FF) + 1) if is_enhanced else _ac3_bytes(head[4])
    follows = head[length : length + 2]
    return ("eac3" if is_enhanced else "ac3") if length and follows in (b"", b"\x0b\x77") else None


def _ac3_bytes(code: int) -> int:
    """The length of a frame by the code of its sample rate and size; 0 for one that does not exist."""
    rate, size = code >> 6, code & 63
    if rate == 3 or size >= 2 * len(_AC3_KBPS):
        return 0
    kbps = _AC3_KBPS[size // 2]
    return (4 * kbps, 2 * (kbps * 96_000 // 44_100 + size % 2), 6 * kbps)[rate]


def _units(head: bytes) -> Iterator[tuple[int, int, int]]:
    """Position of each start code, and the two bytes after it."""
    for _, found in zip(range(_MAX_UNITS), _START_CODE.finditer(head), strict=False):
        yield found.start(), found[1][0], found[2][0] if found[2] else 0


def _h264(head: bytes) -> str | None:
    """A sequence parameter set of a profile that exists comes first, or after a delimiter, then a picture one."""
    units = [(position, first & 31) for position, first, _ in _units(head) if first >> 7 == 0]
    kinds = [kind for _, kind in units if kind not in (_DELIMITER, _SEI)]
    if kinds[:1] != [_SPS] or _PPS not in kinds:
        return None
    start = next(position for position, kind in units if kind == _SPS)
    profile, constraints = head[start + 4], head[start + 5]
    return "h264" if profile in _H264_PROFILES and not constraints & 3 else None


def _hevc(head: bytes) -> str | None:
    """Video, sequence and picture parameter set; each in the base layer and of the lowest temporal one."""
    kinds = [first >> 1 for _, first, second in _units(head) if first & 0x81 == 0 and second == 1]
    needed = [kind for kind in kinds if kind != _HEVC_DELIMITER][:3]
    return "hevc" if needed == [_HEVC_VPS, _HEVC_SPS, _HEVC_PPS] else None


def _vvc(head: bytes) -> str | None:
    """A sequence and a picture parameter set; each in the base layer and of the lowest temporal one."""
    kinds = [second >> 3 for _, first, second in _units(head) if first == 0 and second & 7 == 1]
    needed = [kind for kind in kinds if kind not in _VVC_BEFORE][:2]
    return "vvc" if needed == [_VVC_SPS, _VVC_PPS] else None


def _mpeg_video(head: bytes) -> str | None:
    """A sequence header with a size, an aspect ratio and a frame rate that exist, then one of what may follow it."""
    codes = [code for _, code, _ in _units(head)]
    if len(head) < 12 or codes[:1] != [0xB3] or len(codes) < 2 or codes[1] not in (0xB2, 0xB5, 0xB8, 0x00):
        return None
    fields = head[head.index(b"\1") + 2 :]
    width, height = fields[0] << 4 | fields[1] >> 4, (fields[1] & 15) << 8 | fields[2]
    is_known = fields[3] >> 4 in range(1, 15) and fields[3] & 15 in range(1, 9) and fields[6] & 0x20
    return "mpegvideo" if width and height and is_known else None


def _mpeg4_video(head: bytes) -> str | None:
    """A visual object sequence, or a video object; then a video object layer, and a plane."""
    codes = [code for _, code, _ in _units(head)]
    if not codes or not (codes[0] in (0xB0, 0xB5) or codes[0] <= 0x1F):
        return None
    layer = next((number for number, code in enumerate(codes) if 0x20 <= code <= 0x2F), None)
    return "m4v" if layer is not None and {0xB3, 0xB6} & set(codes[layer:]) else None


def _vc1(head: bytes) -> str | None:
    """A sequence header of the advanced profile in 4:2:0, then an entry point (SMPTE 421M Annex E)."""
    codes = [code for _, code, _ in _units(head)]
    if codes[:2] != [0x0F, 0x0E]:
        return None
    fields = head[head.index(b"\1") + 2]
    return "vc1" if fields >> 6 == 3 and fields >> 3 & 7 <= 4 and fields >> 1 & 3 == 1 else None


def _av1(head: bytes) -> str | None:
    """An empty temporal delimiter and a sequence header, each with its length, then another unit (AV1 §5.3)."""
    if len(head) < 16 or head[:3] != b"\x12\0\x0a" or not 5 <= head[3] < 64 or head[4] >> 5 > 2:
        return None
    follows = head[4 + head[3] : 5 + head[3]]
    return "obu" if follows and follows[0] & 0x83 == 2 and follows[0] >> 3 in (3, 4, 5, 6) else None


def _dv(head: bytes) -> str | None:
    if len(head) < 8 * _DV_BLOCK_BYTES or head[0] != 0x1F or head[3] & 0x7F != 0x3F:
        return None
    return "dv" if all(head[_DV_BLOCK_BYTES * n] >> 5 == kind for n, kind in enumerate(_DV_BLOCKS)) else None


def _mlp(head: bytes) -> str | None:
    if head[4:7] != b"\xf8\x72\x6f" or head[12:14] != _MLP_SIGNATURE:
        return None
    return {0xBA: "truehd", 0xBB: "mlp"}.get(head[7])


def _latm(head: bytes) -> str | None:
    """Two frames of AAC in LOAS, each with its length (ISO/IEC 14496-3 §1.7.2)."""
    for _ in range(2):
        if len(head) < 3 or int.from_bytes(head[:2]) >> 5 != 0x2B7:
            return None
        head = head[3 + (int.from_bytes(head[1:3]) & 0x1FFF) :]
    return "latm"


def _apv(head: bytes) -> str | None:
    return "apv" if head[4:8] == b"aPv1" else None


def _h261(head: bytes) -> str | None:
    """A picture header with its reserved bits, then the first group of blocks (ITU-T H.261 §4.2.1)."""
    bits = int.from_bytes(head[:7])
    is_picture = bits >> 36 == 0x10 and bits >> 24 & 7 == 6
    return "h261" if is_picture and bits >> 4 & 0xFFFFF == 0x00011 else None


def _h263(head: bytes) -> str | None:
    """Two picture headers of the same source format, the first of an intra frame (ITU-T H.263 §5.1)."""
    first = _h263_format(head[:5], is_intra=True)
    starts = (found.start() for found in re.finditer(rb"\0\0[\x80-\x83]", head[5:]))
    return "h263" if first and any(_h263_format(head[5 + at : 10 + at]) == first for at in starts) else None


def _h263_format(header: bytes, *, is_intra: bool = False) -> int:
    """The source format of a picture header, 1 to 5; 0 if it is none."""
    bits = int.from_bytes(header)
    if len(header) < 5 or bits >> 18 != 0x20 or bits >> 8 & 3 != 2:
        return 0
    source, is_inter = bits >> 2 & 7, bits >> 1 & 1
    return 0 if source > 5 or (is_intra and is_inter) else source


def _dnxhd(head: bytes) -> str | None:
    height, width, identifier = (int.from_bytes(head[start:end]) for start, end in ((24, 26), (26, 28), (40, 44)))
    is_known = any(identifier in known for known in _DNXHD_IDS) and width > 0 and height > 0
    return "dnxhd" if head[:4] == _DNXHD_PREFIX and is_known else None


_starting_with_code = (_mpeg_video, _h264, _hevc, _vvc, _vc1, _mpeg4_video)
_others = (_av1, _dv, _mlp, _latm, _apv, _dnxhd, _h263, _h261)
