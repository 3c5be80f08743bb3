"""Small files in containers that nothing we ship writes, by their published layouts: name, bytes and what they hold."""

import math
import struct
from dataclasses import dataclass

HERTZ, SAMPLES = 22_050, 4480
TONE = [round(8000 * math.sin(index * math.tau / 50)) for index in range(SAMPLES)]
COARSE = [sample >> 8 << 8 for sample in TONE]
STEPS = [nibble << 12 for nibble in (0, 1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1, 0, 0)] * (SAMPLES // 14)
LITTLE, BIG = struct.pack(f"<{SAMPLES}h", *TONE), struct.pack(f">{SAMPLES}h", *TONE)
SIGNED_BYTES = bytes(sample >> 8 & 255 for sample in TONE)
UNSIGNED_BYTES = bytes((sample >> 8) + 128 for sample in TONE)


@dataclass(frozen=True)
class Sound:
    """An audio file; `samples` are those that it decodes to, 16 bits, mono; None where the codec is not exact."""

    codec: str
    content: bytes
    samples: list[int] | None = None


def _frames_of_playstation() -> bytes:
    """ADPCM in blocks of 28 samples: no filter, shift 0, so that each sample is a nibble in its highest bits."""
    nibbles = [step >> 12 & 15 for step in STEPS]
    packed = bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return b"".join(b"\0\0" + packed[start : start + 14] for start in range(0, len(packed), 14))


def _chunk(name: bytes, content: bytes, layout: str = ">I") -> bytes:
    return name + struct.pack(layout, len(content)) + content + b"\0" * (len(content) % 2)


def _svx() -> bytes:
    header = struct.pack(">IIIHBBI", SAMPLES, 0, 0, HERTZ, 1, 0, 65_536)
    return _chunk(b"FORM", b"8SVX" + _chunk(b"VHDR", header) + _chunk(b"BODY", SIGNED_BYTES))


def _maud() -> bytes:
    header = struct.pack(">IHHIHHHHI8x", SAMPLES, 16, 16, HERTZ, 1, 0, 1, 0, 0)
    return _chunk(b"FORM", b"MAUD" + _chunk(b"MHDR", header) + _chunk(b"MDAT", BIG))


def _nist() -> bytes:
    fields = (
        f"sample_count -i {SAMPLES}\nsample_n_bytes -i 2\nchannel_count -i 1\n"
        f"sample_byte_format -s2 01\nsample_rate -i {HERTZ}\nsample_coding -s3 pcm\nend_head\n"
    )
    return f"NIST_1A\n   1024\n{fields}".ljust(1024).encode() + LITTLE


def _avr() -> bytes:
    return struct.pack(">4s8sHHHHHI", b"2BIT", b"tone", 0, 16, 0xFFFF, 0, 0xFFFF, 0xFF << 24 | HERTZ) + bytes(102) + BIG


def _qoa() -> bytes:
    """No prediction, and the smallest residuals, which are 1."""
    slices = (SAMPLES // 20) * bytes(8)
    frame = struct.pack(">IHH", 1 << 24 | HERTZ, SAMPLES, 24 + len(slices)) + bytes(16) + slices
    return struct.pack(">4sI", b"qoaf", SAMPLES) + frame


def _dsf() -> bytes:
    """Silence of DSD64 in stereo: a pattern with as many ones as zeros."""
    blocks = b"\x69" * (4096 * 2 * 17)
    bits = 4096 * 8 * 17
    format_chunk = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 2, 2, 2_822_400, 1, bits, 4096, 0)
    data = b"data" + struct.pack("<Q", 12 + len(blocks)) + blocks
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(format_chunk) + len(data), 0) + format_chunk + data


def _dsdiff() -> bytes:
    properties = (
        b"SND "
        + _chunk(b"FS  ", struct.pack(">I", 2_822_400), ">Q")
        + _chunk(b"CHNL", b"\0\2SLFTSRGT", ">Q")
        + _chunk(b"CMPR", b"DSD \x0enot compressed\0", ">Q")
    )
    content = _chunk(b"PROP", properties, ">Q") + _chunk(b"DSD ", b"\x69" * 140_000, ">Q")
    return _chunk(b"FRM8", b"DSD " + _chunk(b"FVER", b"\1\5\0\0", ">Q") + content, ">Q")


def _siff() -> bytes:
    header = _chunk(b"SHDR", struct.pack("<IHH", 0, HERTZ, 8))
    return _chunk(b"SIFF", b"SOUN" + header + _chunk(b"BODY", UNSIGNED_BYTES))


def _genh() -> bytes:
    header = struct.pack("<4sIiIIIIII", b"GENH", 1, 1024, HERTZ, 0, SAMPLES, 4, 256, 36)
    return header.ljust(256, b"\0") + LITTLE


def _nsp() -> bytes:
    header = struct.pack("<20sIIHH", b"", HERTZ, SAMPLES, 8000, 0)
    return (
        _chunk(b"FORM", b"")[:4]
        + b"DS16"
        + struct.pack("<I", 48 + len(LITTLE))
        + (_chunk(b"HEDR", header, "<I") + _chunk(b"SDA_", LITTLE, "<I"))
    )


def _shorten() -> bytes:
    """Version 2: a WAV header, blocks of 128 samples without prediction, in Rice codes of 13 bits and a sign."""

    def code(value: int, bits: int) -> str:
        return "0" * (value >> bits) + "1" + (f"{value & (1 << bits) - 1:0{bits}b}" if bits else "")

    def number(value: int) -> str:
        return code(8, 2) + code(value, 8)

    wav = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, HERTZ, 2 * HERTZ, 2, 16), "<I") + b"data" + bytes(4)
    header = b"RIFF" + struct.pack("<I", 36) + b"WAVE" + wav
    stream = "".join(number(value) for value in (5, 1, 128, 0, 0, 0))
    stream += code(9, 2) + code(len(header), 5) + "".join(code(byte, 8) for byte in header)
    for start in range(0, SAMPLES, 128):
        residuals = (2 * abs(sample) - (sample < 0) for sample in TONE[start : start + 128])
        stream += code(0, 2) + code(13, 3) + "".join(code(residual, 14) for residual in residuals)
    stream += code(4, 2)
    stream += "0" * (-len(stream) % 32)
    return b"ajkg\2" + int(stream, 2).to_bytes(len(stream) // 8)


def _bits_of_g729() -> bytes:
    return (b"\x21\x6b\x50\0" + b"\x7f\0" * 80) * 20


SOUNDS: dict[str, Sound] = {
    "8svx": Sound("pcm_s8_planar", _svx(), COARSE),
    "maud.8svx": Sound("pcm_s16be", _maud(), TONE),
    "nistsphere": Sound("pcm_s16le", _nist(), TONE),
    "avr": Sound("pcm_s16be", _avr(), TONE),
    "pvf": Sound("pcm_s16be", b"PVF1\n1 22050 16\n" + BIG, TONE),
    "qoa": Sound("qoa", _qoa(), [1] * SAMPLES),
    "shn": Sound("shorten", _shorten(), TONE),
    "dsf": Sound("dsd_lsbf_planar", _dsf()),
    "dsdiff": Sound("dsd_msbf", _dsdiff()),
    "wve": Sound(
        "pcm_alaw", b"ALawSoundFile**\0\x0f\x10\0\0\x06\x40" + b"\0\0\0\1" + bytes(6) + b"\xd5" * 1600, [8] * 1600
    ),
    "siff": Sound("pcm_u8", _siff(), COARSE),
    "sol": Sound("pcm_s16le", b"\x8d\x0cSOL\0" + struct.pack("<HBIB", HERTZ, 4, len(LITTLE), 0) + LITTLE, TONE),
    "genh": Sound("pcm_s16le_planar", _genh(), TONE),
    "msf": Sound("pcm_s16be", struct.pack(">4sIIII", b"MSF5", 0, 1, len(BIG), HERTZ).ljust(64, b"\0") + BIG, TONE),
    "epaf": Sound("pcm_s16le", struct.pack("<4sIIIII", b"fap ", 0, 1, HERTZ, 0, 1).ljust(2048, b"\0") + LITTLE, TONE),
    "nsp": Sound("pcm_s16le", _nsp(), TONE),
    "rsd": Sound(
        "pcm_s16le",
        struct.pack("<4s4sIIIII", b"RSD4", b"PCM ", 1, 16, HERTZ, 0, 2048).ljust(2048, b"\0") + LITTLE,
        TONE,
    ),
    "oma": Sound("pcm_s16be", b"EA3\1\0\x60\xff\xff" + bytes(24) + b"\4" + bytes(63) + BIG),
    "vag": Sound(
        "adpcm_psx",
        struct.pack(">4sIIII", b"VAGp", 3, 0, SAMPLES // 28 * 16, HERTZ).ljust(48, b"\0") + _frames_of_playstation(),
        STEPS,
    ),
    "svag": Sound(
        "adpcm_psx",
        struct.pack("<4sIIII", b"Svag", SAMPLES // 28 * 16, HERTZ, 1, 16).ljust(2048, b"\0") + _frames_of_playstation(),
        STEPS,
    ),
    "vpk": Sound(
        "adpcm_psx",
        struct.pack("<4sIIIII", b" KPV", SAMPLES // 28 * 16 + 32, 2048, 16, HERTZ, 1).ljust(2048, b"\0")
        + _frames_of_playstation(),
        STEPS,
    ),
    "ads": Sound(
        "adpcm_psx",
        struct.pack("<4sIIIII8x4sI", b"SShd", 24, 16, HERTZ, 1, 16, b"SSbd", SAMPLES // 28 * 16)
        + _frames_of_playstation(),
        STEPS,
    ),
    "apc": Sound(
        "adpcm_ima_apc", b"CRYO_APC1.20" + struct.pack("<IIiiI", SAMPLES, HERTZ, 0, 0, 0) + b"\x07\x81" * 1120
    ),
    "derf": Sound("derf_dpcm", struct.pack("<4sII", b"DERF", 1, SAMPLES) + b"\0" * SAMPLES, [0] * SAMPLES),
    "aea": Sound("atrac1", (b"\0\x08\0\0" + bytes(260) + b"\1").ljust(2048, b"\0") + bytes(212 * 20)),
    "ilbc": Sound("ilbc", b"#!iLBC20\n" + bytes(range(38)) * 10),
    "bit": Sound("g729", _bits_of_g729()),
    "bw64.wav": Sound(
        "pcm_s16le",
        b"BW64\xff\xff\xff\xffWAVE"
        + _chunk(b"ds64", struct.pack("<QQQI", 0, len(LITTLE), SAMPLES, 0), "<I")
        + _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, HERTZ, 2 * HERTZ, 2, 16), "<I")
        + b"data\xff\xff\xff\xff"
        + LITTLE,
        TONE,
    ),
}
