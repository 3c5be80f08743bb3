"""Containers of games, telephones, recorders and studios, known by bytes and numbers at fixed places of their headers.

Four letters alone are not enough, because text may begin with them: each header has a control character too, and
numbers that make sense."""

import struct
from dataclasses import dataclass

_CONTROL_CHARACTERS = bytes(range(9))
_HEADER_BYTES = 64
_SIDE = (1, 16_384)
_HERTZ = (1_000, 400_000)
_CHANNELS = (1, 16)


@dataclass(frozen=True, slots=True)
class Number:
    """An unsigned number in the header: its offset, its `struct` format, and its least and greatest value."""

    offset: int
    layout: str
    least: int
    greatest: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What all files of a container have: `at` are bytes by their offset."""

    container: str
    at: dict[int, bytes]
    numbers: tuple[Number, ...] = ()


def _pair(offset: int, layout: str, bounds: tuple[int, int]) -> tuple[Number, Number]:
    """Two numbers that follow each other, as width and height."""
    return Number(offset, layout, *bounds), Number(offset + struct.calcsize(layout), layout, *bounds)


def _letters(text: bytes) -> list[bytes]:
    return [bytes([letter]) for letter in text]


_FLIC_SIDE, _DSD_HERTZ = (1, 4096), (1_000_000, 50_000_000)
_BINK = (Number(8, "<I", 1, 1_000_000), *_pair(20, "<I", _SIDE), *_pair(28, "<I", (1, 2**31)))
_EA_TAGS = (b"1SNh", b"SCHl", b"SEAD", b"SHEN", b"kVGT", b"MADk", b"MPCh", b"MVhd", b"MVIh", b"AVP6")

MARKS: tuple[Marks, ...] = (
    # written by the shipped ffmpeg, which the tests make them with
    Marks("ast", {0: b"STRM", 10: b"\0\x10"}, (Number(12, ">H", *_CHANNELS), Number(16, ">I", *_HERTZ))),
    Marks("apm", {0: b"\0\x20", 20: b"vs12", 96: b"DATA"}, (Number(4, "<I", *_HERTZ),)),
    Marks("argo_asf", {0: b"ASF\0", 8: b"\1\0\0\0"}, (Number(4, "<H", 1, 2), Number(6, "<H", 0, 9))),
    Marks("alp", {0: b"ALP \x08\0\0\0ADPCM\0"}),
    Marks("alp", {0: b"ALP \x0c\0\0\0ADPCM\0"}),
    Marks("kvag", {0: b"KVAG"}, (Number(8, "<I", *_HERTZ), Number(12, "<H", 0, 1))),
    Marks("wsaud", {16: b"\xaf\xde\0\0", 11: b"\1"}, (Number(0, "<H", *_HERTZ), Number(10, "B", 0, 3))),
    Marks("wsaud", {16: b"\xaf\xde\0\0", 11: b"\x63"}, (Number(0, "<H", *_HERTZ), Number(10, "B", 0, 3))),
    Marks("smjpeg", {0: b"\0\nSMJPEG"}),
    Marks("roq", {0: b"\x84\x10\xff\xff\xff\xff"}),
    Marks("film_cpk", {0: b"FILM", 16: b"FDSC"}),
    Marks("oma", {0: b"EA3", 4: b"\0\x60"}),
    Marks("oma", {0: b"ea3\3\0\0\0"}),
    Marks("sox", {0: b".SoX", 7: b"\0"}),
    Marks("sox", {0: b"XoS.\0"}),
    Marks("ircam", {0: b"\x64\xa3", 3: b"\0"}, (Number(2, "B", 1, 4), Number(8, "<I", *_CHANNELS))),
    Marks("ircam", {0: b"\0", 2: b"\xa3\x64"}, (Number(1, "B", 1, 3), Number(8, ">I", *_CHANNELS))),
    Marks("mmf", {0: b"MMMD", 8: b"CNTI"}),
    Marks("wav", {0: b"BW64", 8: b"WAVEds64"}),
    Marks("amv", {0: b"RIFF", 8: b"AMV LIST"}),
    Marks("pdv", {0: b"Playdate VID\0\0\0\0"}, _pair(24, "<H", _SIDE)),
    # written by the tests from their published layout
    Marks("8svx", {0: b"FORM", 8: b"8SVX"}),
    Marks("8svx", {0: b"FORM", 8: b"16SV"}),
    Marks("8svx", {0: b"FORM", 8: b"MAUD"}),
    Marks("aea", {0: b"\0\x08\0\0"}, (Number(264, "B", 1, 2),)),
    Marks("apc", {0: b"CRYO_APC1.20"}, (Number(16, "<I", *_HERTZ),)),
    Marks("ads", {0: b"SShd", 32: b"SSbd"}, (Number(12, "<I", *_HERTZ), Number(16, "<I", *_CHANNELS))),
    Marks("avr", {0: b"2BIT"}, (Number(14, ">H", 8, 16),)),
    Marks("bit", {0: b"\x21\x6b\x50\0"}),
    Marks("derf", {0: b"DERF"}, (Number(4, "<I", 1, 2),)),
    Marks("dsf", {0: b"DSD \x1c\0\0\0\0\0\0\0", 28: b"fmt "}),
    Marks("dsdiff", {0: b"FRM8", 12: b"DSD "}),
    Marks("dtshd", {0: b"DTSHDHDR\0\0"}),
    Marks("epaf", {0: b"fap \0\0\0\0\1\0\0\0"}, (Number(12, "<I", *_HERTZ), Number(20, "<I", *_CHANNELS))),
    Marks("epaf", {0: b" paf\0\0\0\0\0\0\0\0"}, (Number(12, ">I", *_HERTZ), Number(20, ">I", *_CHANNELS))),
    Marks("flic", {4: b"\x11\xaf"}, (*_pair(8, "<H", _FLIC_SIDE), Number(6, "<H", 1, 65_535), Number(12, "<H", 8, 8))),
    Marks("flic", {4: b"\x12\xaf"}, (*_pair(8, "<H", _FLIC_SIDE), Number(6, "<H", 1, 65_535), Number(12, "<H", 8, 8))),
    Marks("genh", {0: b"GENH"}, (Number(4, "<I", *_CHANNELS), Number(12, "<I", *_HERTZ))),
    Marks("msf", {0: b"MSF"}, (Number(4, ">I", 0, 16), Number(8, ">I", *_CHANNELS), Number(16, ">I", *_HERTZ))),
    Marks("nsp", {0: b"FORMDS16", 12: b"HEDR"}),
    Marks("nsp", {0: b"FORMDS16", 12: b"HDR8"}),
    Marks("nsv", {0: b"NSVs"}, _pair(12, "<H", _SIDE)),
    Marks("nsv", {0: b"NSVf"}),
    Marks("nuv", {0: b"NuppelVideo\0"}),
    Marks("nuv", {0: b"MythTVVideo\0"}),
    Marks("pva", {0: b"AV", 4: b"\x55"}, (Number(2, "B", 1, 2), Number(5, "B", 0, 31))),
    Marks("qoa", {0: b"qoaf"}, (Number(8, "B", *_CHANNELS), Number(14, ">H", 1, 65_535))),
    Marks("rsd", {0: b"RSD"}, (Number(3, "B", 50, 54), Number(8, "<I", *_CHANNELS), Number(16, "<I", *_HERTZ))),
    Marks("ser", {0: b"LUCAM-RECORDER"}, _pair(26, "<I", _SIDE)),
    Marks("siff", {0: b"SIFF", 8: b"SOUN"}),
    Marks("siff", {0: b"SIFF", 8: b"VBV1"}),
    Marks("sol", {0: b"\x8d\x0bSOL\0"}),
    Marks("sol", {0: b"\x0d\x0cSOL\0"}),
    Marks("sol", {0: b"\x8d\x0cSOL\0"}),
    Marks("svag", {0: b"Svag"}, (Number(8, "<I", *_HERTZ), Number(12, "<I", *_CHANNELS))),
    Marks("vag", {0: b"VAGp\0\0\0"}),
    Marks("vpk", {0: b" KPV"}, (Number(16, "<I", *_HERTZ), Number(20, "<I", *_CHANNELS))),
    Marks("wve", {0: b"ALawSoundFile**\0\x0f\x10"}),
    Marks("xwma", {0: b"RIFF", 8: b"XWMAfmt "}),
    Marks("shn", {0: b"ajkg"}, (Number(4, "B", 0, 3),)),
    Marks("thp", {0: b"THP\0\0\1\0\0"}),
    Marks("thp", {0: b"THP\0\0\1\1\0"}),
    # not tried: nothing that we ship writes them
    Marks("4xm", {0: b"RIFF", 8: b"4XMVLIST"}),
    Marks("acm", {0: b"\x97\x28\x03\1"}),
    Marks("anm", {0: b"LPF ", 16: b"ANIM"}, _pair(20, "<H", _SIDE)),
    Marks("bethsoftvid", {0: b"VID\0\2\0"}),
    Marks("bfi", {0: b"BF&I"}, _pair(44, "<I", _SIDE)),
    *(Marks("bink", {0: b"BIK" + version}, _BINK) for version in _letters(b"bfghik")),
    *(Marks("bink", {0: b"KB2" + version}, _BINK) for version in _letters(b"adfghijk")),
    Marks("binka", {0: b"1FCB"}, (Number(4, "B", 1, 2), Number(6, "<H", *_HERTZ))),
    Marks("bfstm", {0: b"FSTM\xfe\xff"}),
    Marks("bfstm", {0: b"FSTM\xff\xfe"}),
    Marks("bfstm", {0: b"CSTM\xff\xfe"}),
    Marks("brstm", {0: b"RSTM\xfe\xff"}),
    Marks("dfa", {0: b"DFIA", 16: b"\x80\0\0\0"}),
    Marks("dsicin", {0: b"\0\0\xaa\x55", 12: b"\x22\x56\0\0\x10\0"}),
    Marks("dss", {0: b"\2dss"}),
    Marks("dss", {0: b"\3dss"}),
    Marks("dxa", {0: b"DEXA"}, _pair(11, ">H", _SIDE)),
    *(Marks("ea", {0: tag}, (Number(4, "<I", 8, 0xFFFFF),)) for tag in _EA_TAGS),
    *(Marks("ea", {0: tag}, (Number(4, ">I", 8, 0xFFFFF),)) for tag in _EA_TAGS),
    Marks("fsb", {0: b"FSB", 4: b"\1\0\0\0"}, (Number(3, "B", 49, 53),)),
    Marks("gdv", {0: b"\x94\x19\x11\x29"}),
    Marks("hca", {0: b"HCA\0", 8: b"fmt\0"}),
    Marks("hcom", {65: b"FSSD", 128: b"HCOM"}),
    Marks("hnm", {0: b"HNM4"}, _pair(8, "<H", _SIDE)),
    Marks("ifv", {0: bytes.fromhex("11d2d3ab baa9cf11 8ee600c0 0c205365 44")}),
    Marks("ipmovie", {0: b"Interplay MVE File\x1a\0\x1a\0"}),
    Marks("ipu", {0: b"ipum"}, _pair(8, "<H", _SIDE)),
    Marks("jv", {0: b"JV", 4: b" Compression by John M Phillips"}),
    Marks("lxf", {0: b"LEITCH\0\0"}),
    Marks("mm", {0: b"\0\0\x16\0\0\0"}, (*_pair(12, "<H", _SIDE), Number(8, "<H", 1, 60))),
    Marks("mm", {0: b"\0\0\x18\0\0\0"}, (*_pair(12, "<H", _SIDE), Number(8, "<H", 1, 60))),
    Marks("mods", {0: b"MODSN3\n\0"}),
    Marks("mpc", {0: b"MP+\7"}),
    Marks("mpc", {0: b"MP+\x17"}),
    Marks("mpc8", {0: b"MPCKSH"}),
    Marks("mtaf", {0: b"MTAF", 64: b"HEAD"}),
    Marks("mtv", {0: b"AMV", 43: b"MP3"}),
    Marks("mv", {0: b"MOVI\0"}, (Number(5, "B", 0, 2),)),
    Marks("osq", {0: b"OSQ \x30\0\0\0\1\0"}, (Number(12, "<I", *_HERTZ),)),
    Marks("paf", {0: b"Packed Animation File V1.0\n(c) 1992-96 Amazing Studio\n\x1a"}),
    Marks("pmp", {0: b"pmpm\1\0\0\0"}),
    Marks("psxstr", {0: b"\0" + 10 * b"\xff" + b"\0", 15: b"\2"}, (Number(17, "B", 0, 31),)),
    Marks("qcp", {0: b"RIFF", 8: b"QLCMfmt "}),
    Marks("rka", {0: b"RKA7"}, (Number(8, "<I", *_HERTZ), Number(12, "B", 1, 2))),
    Marks("rl2", {0: b"FORM", 8: b"RLV2"}),
    Marks("rl2", {0: b"FORM", 8: b"RLV3"}),
    Marks("smk", {0: b"SMK2"}, _pair(4, "<I", _SIDE)),
    Marks("smk", {0: b"SMK4"}, _pair(4, "<I", _SIDE)),
    Marks("smush", {0: b"ANIM", 8: b"AHDR"}),
    Marks("smush", {0: b"SANM", 8: b"SHDR"}),
    Marks("tak", {0: b"tBaK\1"}),
    Marks("ty", {0: b"\xf5\x46\x7a\xbd\0\0\0\2\0\2\0\0"}),
    Marks("usm", {0: b"CRID", 8: b"\0\x18"}),
    Marks("vc1test", {3: b"\xc5\4\0\0\0", 20: b"\x0c\0\0\0"}),
    Marks("vividas", {0: b"vividas03"}),
    Marks("vmd", {0: b"\x2e\3"}, (*_pair(12, "<H", (1, 2048)), Number(16, "<H", 0, 3))),
    Marks("vqf", {0: b"TWIN97012000"}),
    Marks("vqf", {0: b"TWIN00052200"}),
    Marks("wc3movie", {0: b"FORM", 8: b"MOVE_PC_"}),
    Marks("wsd", {0: b"1bit"}, (Number(36, ">I", *_DSD_HERTZ), Number(44, "B", *_CHANNELS))),
    Marks("wsvqa", {0: b"FORM", 8: b"WVQAVQHD"}),
    Marks("xa", {0: b"XA\0\0"}, (Number(10, "<H", *_CHANNELS), Number(12, "<I", *_HERTZ))),
    Marks("xa", {0: b"XAI\0"}, (Number(10, "<H", *_CHANNELS), Number(12, "<I", *_HERTZ))),
    Marks("xa", {0: b"XAJ\0"}, (Number(10, "<H", *_CHANNELS), Number(12, "<I", *_HERTZ))),
    Marks("xmv", {12: b"xobX"}, (Number(16, "<I", 1, 4),)),
    Marks("xvag", {0: b"XVAG", 32: b"fmat"}),
)


def by_marks(head: bytes) -> str | None:
    """The first container in the table whose marks the head has."""
    if not set(head[:_HEADER_BYTES]) & set(_CONTROL_CHARACTERS):
        return None
    return next((marks.container for marks in MARKS if _has(head, marks)), None)


def _has(head: bytes, marks: Marks) -> bool:
    return all(head.startswith(mark, offset) for offset, mark in marks.at.items()) and all(
        _is_within(head, number) for number in marks.numbers
    )


def _is_within(head: bytes, number: Number) -> bool:
    if len(head) < number.offset + struct.calcsize(number.layout):
        return False
    (value,) = struct.unpack_from(number.layout, head, number.offset)
    return bool(number.least <= value <= number.greatest)
