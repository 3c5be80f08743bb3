"""Small videos in containers that nothing we ship writes, by their published layouts."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av

from penstock.engines import bundled_ffmpeg

WIDTH, HEIGHT, FRAMES = 176, 144, 5
RED = (192, 32, 16)


def flic() -> bytes:
    """FLC: a palette whose first color is red, and copied frames of it, 40 ms each."""
    palette = struct.pack("<HBB", 1, 0, 0) + bytes(RED) * 256
    chunks = _block(4, palette) + _block(16, bytes(WIDTH * HEIGHT))
    frame = struct.pack("<IHH8x", 16 + len(chunks), 0xF1FA, 2) + chunks
    sizes = (128 + FRAMES * len(frame), 0xAF12, FRAMES, WIDTH, HEIGHT, 8, 3, 40)
    return struct.pack("<IHHHHHHI", *sizes).ljust(128, b"\0") + frame * FRAMES


def ser() -> bytes:
    """Gray pictures of a telescope's camera."""
    header = struct.pack("<14sIIIIIII", b"LUCAM-RECORDER", 0, 0, 0, WIDTH, HEIGHT, 8, FRAMES)
    return header.ljust(178, b"\0") + b"\xb4" * (WIDTH * HEIGHT * FRAMES)


def nuv() -> bytes:
    """NuppelVideo: frames without compression, a time of 40 ms each."""
    numbers = struct.pack("<IIIIcxxxddIIII", WIDTH, HEIGHT, 0, 0, b"P", 1.0, 25.0, FRAMES, 0, 0, 1)
    header = b"NuppelVideo\0" + b"0.05\0\0\0\0" + numbers
    picture = b"\x51" * (WIDTH * HEIGHT) + b"\x5a" * (WIDTH * HEIGHT // 4) + b"\xf0" * (WIDTH * HEIGHT // 4)
    tables = b"DR\0\0" + struct.pack("<II", 0, 512) + bytes(512)
    frames = (b"V0\0\0" + struct.pack("<II", 40 * number, len(picture)) + picture for number in range(FRAMES))
    return header + tables + b"".join(frames)


def nsv(folder: Path) -> bytes:
    """Nullsoft streaming video with VP8 and no sound."""
    head = struct.pack("<4s4s4sHHBH", b"NSVs", b"VP80", b"NONE", WIDTH, HEIGHT, 25, 0)
    chunks = (
        (head if not number else b"\xef\xbe") + struct.pack("<BHH", (len(data) & 15) << 4, len(data) >> 4, 0) + data
        for number, data in enumerate(_packets(folder, "ivf", "-c:v", "libvpx"))
    )
    return b"".join(chunks)


def pva(folder: Path) -> bytes:
    """TechnoTrend's recordings of television: MPEG-2 video with a time in 1/90,000 s each frame."""
    packets = _packets(folder, "m2v", "-b:v", "200k")
    return b"".join(
        struct.pack(">2sBBBBHI", b"AV", 1, number, 0x55, 0x10, 4 + len(data), 3600 * number) + data
        for number, data in enumerate(packets)
    )


def thp(folder: Path) -> bytes:
    """Nintendo's THP: JPEGs whose bytes of ones are not escaped."""
    pictures = []
    for data in _packets(folder, "mjpeg", "-pix_fmt", "yuvj420p"):
        scan = data.index(b"\xff\xda") + 2
        pictures.append(data[:scan] + data[scan:].replace(b"\xff\0", b"\xff"))
    sizes = [12 + len(picture) for picture in pictures]
    header = struct.pack(">4sIIIfIIIIIII", b"THP", 0x10000, max(sizes), 0, 25, FRAMES, sizes[0], 0, 48, 0, 76, 0)
    components = struct.pack(">I16sII", 1, b"\0" + b"\xff" * 15, WIDTH, HEIGHT)
    return (
        header
        + components
        + b"".join(
            struct.pack(">III", following, before, len(picture)) + picture
            for following, before, picture in zip([*sizes[1:], 0], [0, *sizes], pictures, strict=False)
        )
    )


def _block(kind: int, content: bytes) -> bytes:
    return struct.pack("<IH", 6 + len(content), kind) + content


def _packets(folder: Path, extension: str, *options: str) -> Iterator[bytes]:
    """The packets of a red video."""
    path = folder / f"packets.{extension}"
    color = "0x{:02x}{:02x}{:02x}".format(*RED)
    source = ("-f", "lavfi", "-i", f"color={color}:size={WIDTH}x{HEIGHT}:rate=25:duration={FRAMES / 25}")
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *source, *options, str(path)], check=True)
    with av.open(str(path)) as container:
        yield from [bytes(packet) for packet in container.demux() if packet.size]
