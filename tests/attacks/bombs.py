"""Small files that ask for much memory, time or disk, each made here."""

import io
import struct
import subprocess
import zlib
from collections.abc import Callable

from PIL import Image

from penstock.engines import bundled_ffmpeg

MANY = 2**28  # bytes that a bomb unpacks to, at least
ID3 = b"ID3\4\0\0"


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(width: int, height: int, *chunks: bytes, bits: int = 8, color: int = 2) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + _chunk(b"IEND", b"")


def _zeros(count: int) -> bytes:
    """So many zero bytes, deflated to a thousandth of them."""
    packer, block = zlib.compressobj(1), bytes(2**20)
    packed = [packer.compress(block) for _ in range(count // 2**20)]
    return b"".join([*packed, packer.compress(bytes(count % 2**20)), packer.flush()])


def large_png() -> bytes:
    """30,000 x 30,000 pixels of one bit."""
    return _png(30_000, 30_000, _chunk(b"IDAT", _zeros(30_000 * 3751)), bits=1, color=0)


def text_png() -> bytes:
    small = _chunk(b"IDAT", zlib.compress(bytes(4 * 3 * 4 + 4)))
    return _png(4, 4, *[_chunk(b"zTXt", b"Comment\0\0" + _zeros(MANY))] * 4, small)


def profile_png() -> bytes:
    return _png(4, 4, _chunk(b"iCCP", b"a\0\0" + _zeros(MANY * 4)), _chunk(b"IDAT", zlib.compress(bytes(52))))


def long_apng() -> bytes:
    """2,000 frames of one pixel on 4,000 x 4,000."""
    pixel, frames = zlib.compress(bytes(4)), []
    for number in range(1, 2000):
        place = struct.pack(">IIIIIHHBB", number * 2 - 1, 1, 1, number, number, 1, 25, 0, 0)
        frames += [_chunk(b"fcTL", place), _chunk(b"fdAT", struct.pack(">I", number * 2) + pixel)]
    first = _chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 4000, 4000, 0, 0, 1, 25, 0, 0))
    whole = _chunk(b"IDAT", _zeros(4000 * 12_001))
    return _png(4000, 4000, _chunk(b"acTL", struct.pack(">II", 2000, 0)), first, whole, *frames)


def long_gif(side: int = 4000, frames: int = 5000) -> bytes:
    """Frames of one pixel on a large canvas."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(3) + b"\xff\xff\xff"
    frame = b"\x21\xf9\4\0\4\0\0\0\x2c" + struct.pack("<HHHHB", 9, 9, 1, 1, 0) + b"\2\2\x44\1\0"
    return head + frame * frames + b"\x3b"


def largest_gif() -> bytes:
    return long_gif(65_535, 2)


def long_webp() -> bytes:
    """1,000 frames of one pixel on 16,383 x 16,383."""
    pixel = io.BytesIO()
    Image.new("RGB", (1, 1)).save(pixel, "WEBP", lossless=True)
    image = pixel.getvalue()[12:]
    canvas = (16_382).to_bytes(3, "little") * 2
    frame = _riff(b"ANMF", bytes(12) + (40).to_bytes(3, "little") + b"\2" + image)
    body = _riff(b"VP8X", b"\2\0\0\0" + canvas) + _riff(b"ANIM", bytes(6)) + frame * 1000
    return _riff(b"RIFF", b"WEBP" + body)


def _riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def large_jpeg() -> bytes:
    """A small one whose header says 65,500 x 65,500."""
    made = _saved("JPEG")
    at = made.index(b"\xff\xc0") + 5
    return made[:at] + struct.pack(">HH", 65_500, 65_500) + made[at + 4 :]


def scans_jpeg() -> bytes:
    """4,000 x 4,000 pixels in 5,000 progressive scans, each of which says nothing new."""
    made = io.BytesIO()
    Image.new("L", (4000, 4000), 90).save(made, "JPEG", progressive=True)
    content = made.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * 5000 + b"\xff\xd9"


def large_avif() -> bytes:
    made = _saved("AVIF")
    at = made.index(b"ispe") + 8
    return made[:at] + struct.pack(">II", 60_000, 60_000) + made[at + 8 :]


def large_bmp() -> bytes:
    """30,000 x 30,000, run-length coded, and nothing in it."""
    head = struct.pack("<IiiHHIIiiII", 40, 30_000, 30_000, 1, 8, 1, 2, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 64, 0, 0, 62) + head + bytes(8) + b"\0\1"


def endless_tiff() -> bytes:
    """Directories in a circle, of 50,000 x 50,000 pixels."""
    tags = [(256, 4, 1, 50_000), (257, 4, 1, 50_000), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8)]
    tags += [(277, 3, 1, 1), (278, 4, 1, 50_000), (279, 4, 1, 100)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 8) + _zeros(2**20)


def large_jpeg2000() -> bytes:
    """A header of 60,000 x 60,000 pixels in tiles of one pixel."""
    made = _saved("JPEG2000")
    at = made.index(b"\xff\x51") + 6
    sizes = struct.pack(">8I", 60_000, 60_000, 0, 0, 1, 1, 0, 0)
    return made[:at] + sizes + made[at + 32 :]


def large_ico() -> bytes:
    image = _png(30_000, 30_000, _chunk(b"IDAT", _zeros(2**20)), bits=1, color=0)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(image), 22) + image


def _saved(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(made, kind)
    return made.getvalue()


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


FTYP = _box(b"ftyp", b"isom\0\0\0\0isommp42")


def packed_mp4() -> bytes:
    """A compressed index that unpacks to 256 MB."""
    packed = _box(b"dcom", b"zlib") + _box(b"cmvd", struct.pack(">I", MANY) + _zeros(MANY))
    return FTYP + _box(b"moov", _box(b"cmov", packed))


def nested_mp4() -> bytes:
    """30,000 boxes, each in the one before."""
    return FTYP + b"".join(struct.pack(">I4s", 8 * (30_000 - depth), b"moov") for depth in range(30_000))


def nested_mkv() -> bytes:
    return b"\x1aE\xdf\xa3\x84\x42\x82\x81a" + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 30_000


def nested_id3() -> bytes:
    return ID3 + b"\0\0\x7f\x7f" + (ID3 + b"\0\0\0\0") * 5000


def wide_wav() -> bytes:
    head = struct.pack("<HHIIHH", 1, 65_535, 48_000, 0xFFFFFFFF, 65_535, 16)
    return _riff(b"RIFF", b"WAVE" + _riff(b"fmt ", head) + _riff(b"data", bytes(2**17)))


def _film(*arguments: str) -> bytes:
    argv = (str(bundled_ffmpeg()), "-v", "error", *arguments, "-f", "matroska", "-")
    return subprocess.run(argv, check=True, capture_output=True).stdout


def gap_mkv() -> bytes:
    """Two frames, 30 h apart."""
    shown = "settb=1/1000,setpts=N*108000000"
    source = ("-f", "lavfi", "-i", "color=s=64x64:r=25:d=0.08")
    return _film(*source, "-vf", shown, "-fps_mode", "passthrough", "-enc_time_base", "filter", "-c:v", "ffv1")


def covered_mp3() -> bytes:
    """Sound whose cover art has 30,000 x 30,000 pixels."""
    picture = b"\0image/png\0\3\0" + large_png()
    body = b"APIC" + _syncsafe(len(picture)) + b"\0\0" + picture
    return ID3 + _syncsafe(len(body)) + body + _tone()


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _tone() -> bytes:
    argv = (
        str(bundled_ffmpeg()),
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "sine=d=1",
        "-write_id3v2",
        "0",
        "-f",
        "mp3",
        "-",
    )
    return subprocess.run(argv, check=True, capture_output=True).stdout


def many_samples_mp4(clip: bytes) -> bytes:
    """A film whose table of times claims 2^31 samples."""
    at = clip.rindex(b"stts") + 8
    return clip[:at] + struct.pack(">II", 1, 2**31 - 1) + clip[at + 8 :]


BOMBS: tuple[Callable[[], bytes], ...] = (
    large_png, text_png, profile_png, long_apng, long_gif, largest_gif, long_webp, large_jpeg, scans_jpeg, large_avif,
    large_bmp, endless_tiff, large_jpeg2000, large_ico, packed_mp4, nested_mp4, nested_mkv, nested_id3, wide_wav,
    gap_mkv,    covered_mp3,
)  # fmt: skip
