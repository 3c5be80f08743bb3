"""Small files of the main formats, and damaged copies of them: equal seeds damage equal files equally."""

import io
import random
import re
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pillow_heif
import pillow_jxl  # noqa: F401 - lets Pillow write JPEG XL
from PIL import Image

from penstock.engines import bundled_ffmpeg
from tests.engines.images import still_files
from tests.engines.images.raw_files import dng
from tests.engines.probing.written_files import SOUNDS
from tests.engines.probing.written_videos import flic

_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=12:duration=0.5")
_TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=0.5")
_BOTH = (*_PICTURE, *_TONE)
# The same bytes each time: no dates, no random ids, one thread.
_REPEATABLE = ("-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")
_FFMPEG: dict[str, tuple[str, ...]] = {
    "h264.mp4": (*_BOTH, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"),
    "h264.ts": (*_BOTH, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "mp2"),
    "hevc.mp4": (*_PICTURE, "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"),
    "vp9.webm": (*_BOTH, "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-c:a", "libopus"),
    "av1.mkv": (*_PICTURE, "-c:v", "libaom-av1", "-cpu-used", "8"),
    "h264.h264": (*_PICTURE, "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    "mpeg2.mpg": (*_BOTH, "-r", "25", "-c:v", "mpeg2video", "-c:a", "mp2"),
    "prores.mov": (*_PICTURE, "-c:v", "prores_ks"),
    "aac.m4a": (*_TONE, "-c:a", "aac"),
    "aac.aac": (*_TONE, "-c:a", "aac", "-f", "adts"),
    "mp3.mp3": (*_TONE, "-c:a", "libmp3lame"),
    "opus.ogg": (*_TONE, "-c:a", "libopus"),
    "vorbis.ogg": (*_TONE, "-c:a", "libvorbis"),
    "vorbis.mka": (*_TONE, "-c:a", "libvorbis"),
    "flac.flac": (*_TONE, "-c:a", "flac"),
    "alac.m4a": (*_TONE, "-c:a", "alac"),
    "roq.roq": (*_BOTH, "-r", "30", "-ar", "22050"),
    "swf.swf": (*_BOTH, "-c:v", "flv", "-c:a", "libmp3lame"),
    "exr.exr": (*_PICTURE, "-frames:v", "1", "-update", "1", "-compression", "zip16"),
    "dpx.dpx": (*_PICTURE, "-frames:v", "1", "-update", "1"),
}
_STILLS = {
    "jpeg.jpg": {"format": "JPEG", "progressive": True},
    "png.png": {"format": "PNG"},
    "tiff.tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    "bmp.bmp": {"format": "BMP"},
    "heic.heic": {"format": "HEIF"},
    "targa.tga": {"format": "TGA", "compression": "tga_rle"},
    "jxl.jxl": {"format": "JXL", "num_threads": 1},
}
_ANIMATIONS = {
    "gif.gif": {"format": "GIF"},
    "webp.webp": {"format": "WEBP", "quality": 60},
    "apng.png": {"format": "PNG"},
    "avif.avif": {"format": "AVIF", "max_threads": 1},
}
_WRITTEN: dict[str, Callable[[], bytes]] = {
    "raw.dng": lambda: dng([[(x / 32, y / 24, 0.5) for x in range(32)] for y in range(24)]),
    "photoshop.psd": lambda: still_files.psd()[0],
    "ilbm.iff": lambda: still_files.ilbm_ham()[0],
    "quickdraw.pict": lambda: still_files.pict_palette()[0],
    "fits.fits": lambda: still_files.fits_colors()[0],
    "x.xwd": lambda: still_files.xwd_palette()[0],
    "flic.flc": flic,
    "shorten.shn": lambda: SOUNDS["shn"].content,
    "dsd.dsf": lambda: SOUNDS["dsf"].content,
}
NAMES = (*_FFMPEG, *_STILLS, *_ANIMATIONS, *_WRITTEN)

# Numbers that overflow, or that decoders forget: as one, two and four bytes.
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEADER_BYTES = 1024


def original(name: str) -> bytes:
    if name in _FFMPEG:
        return _encoded(name)
    if name in _WRITTEN:
        return _WRITTEN[name]()
    return (
        _saved(4, save_all=True, duration=90, **_ANIMATIONS[name]) if name in _ANIMATIONS else _saved(**_STILLS[name])
    )


def _encoded(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        argv = (str(bundled_ffmpeg()), "-nostdin", "-v", "error", *_FFMPEG[name], *_REPEATABLE, str(path))
        subprocess.run(argv, check=True, timeout=60)
        return path.read_bytes()


def _saved(frames: int = 1, **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    noise = random.Random(7)
    pictures = [Image.frombytes("RGB", (24, 18), noise.randbytes(24 * 18 * 3)).resize((64, 48)) for _ in range(frames)]
    made = io.BytesIO()
    if frames > 1:
        options["append_images"] = pictures[1:]
    pictures[0].save(made, **options)
    return made.getvalue()


def mutated(content: bytes, seed: int) -> bytes:
    """A copy with one to four kinds of damage. By odd seeds the checksums of PNG and Ogg are right, so that the damage
    reaches the decoder."""
    chance = random.Random(seed)
    damaged = bytearray(content)
    for damage in chance.choices(_DAMAGES, k=chance.randint(1, 4)):
        damage(damaged, chance)
    if seed % 2:
        _right_png(damaged)
        _right_ogg(damaged)
    return bytes(damaged)


def _right_png(damaged: bytearray) -> None:
    at = 8 if damaged.startswith(b"\x89PNG") else len(damaged)
    while at + 12 <= len(damaged):
        end = at + 8 + int.from_bytes(damaged[at : at + 4], "big")
        if end + 4 > len(damaged):
            break
        damaged[end : end + 4] = zlib.crc32(damaged[at + 4 : end]).to_bytes(4, "big")
        at = end + 4


def _right_ogg(damaged: bytearray) -> None:
    """Pages from one capture pattern to the next (RFC 3533 §6)."""
    starts = [found.start() for found in re.finditer(b"OggS", damaged)]
    for start, end in pairwise([*starts, len(damaged)]):
        if end - start >= _OGG_HEAD:
            damaged[start + 22 : start + 26] = bytes(4)
            damaged[start + 22 : start + 26] = _ogg_checksum(damaged[start:end]).to_bytes(4, "little")


def _ogg_checksum(page: bytes) -> int:
    remainder = 0
    for byte in page:
        remainder = (remainder << 8 & 0xFFFFFFFF) ^ _OGG_TABLE[remainder >> 24 ^ byte]
    return remainder


def _ogg_row(byte: int) -> int:
    remainder = byte << 24
    for _ in range(8):
        remainder = (remainder << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if remainder & 0x80000000 else 0)
    return remainder


_OGG_HEAD = 27
_OGG_TABLE = [_ogg_row(byte) for byte in range(256)]


def _place(damaged: bytearray, chance: random.Random) -> int:
    """Half of them in the headers."""
    most = len(damaged) if chance.random() < 0.5 else min(len(damaged), _HEADER_BYTES)
    return chance.randrange(max(1, most))


def _flip(damaged: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if damaged:
            damaged[_place(damaged, chance)] ^= 1 << chance.randrange(8)


def _overwrite(damaged: bytearray, chance: random.Random) -> None:
    at, length = _place(damaged, chance), chance.choice((1, 4, 16, 256))
    damaged[at : at + length] = chance.randbytes(len(damaged[at : at + length]))


def _number(damaged: bytearray, chance: random.Random) -> None:
    at, length = _place(damaged, chance), chance.choice((1, 2, 4))
    value = chance.choice(_NUMBERS) % 256**length
    order = chance.choice(("big", "little"))
    damaged[at : at + length] = value.to_bytes(length, order)


def _cut(damaged: bytearray, chance: random.Random) -> None:
    del damaged[_place(damaged, chance) :]


def _take_out(damaged: bytearray, chance: random.Random) -> None:
    at = _place(damaged, chance)
    del damaged[at : at + chance.choice((1, 3, 64, 1000))]


def _repeat(damaged: bytearray, chance: random.Random) -> None:
    at = _place(damaged, chance)
    damaged[at:at] = damaged[at : at + chance.choice((1, 64, 4096))] * chance.choice((1, 2, 50))


def _move(damaged: bytearray, chance: random.Random) -> None:
    """A part of the file at another place of it."""
    source, at, length = _place(damaged, chance), _place(damaged, chance), chance.choice((4, 64, 1024))
    part = damaged[source : source + length]
    damaged[at : at + len(part)] = part


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _flip, _flip, _overwrite, _number, _number, _cut, _take_out, _repeat, _move,
)  # fmt: skip
