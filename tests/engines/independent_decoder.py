"""Decodes frames of a video at given times without any code of ours: upright, with square pixels, in RGB.

Colors are converted here by the weights of the standards, so that a wrong matrix or range in ffmpeg's filters, or a
wrong declaration in an output, is found."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.video.reformatter import Interpolation
from PIL import Image, ImageOps, ImageStat

# Weights of red and blue in luma, by matrix coefficients of ISO/IEC 23091-2.
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
HDR_TRANSFERS = (16, 18)
# BT.601 at any size: JPEG, VP8 and Theora by their standards, the old MPEG-4 family in all decoders.
_ALWAYS_601 = ("mjpeg", "vp8", "theora", "mpeg4", "msmpeg4v2", "mpeg1video")
_HIGH_DEFINITION = 576
_TURNS = {
    (1, 0, 0, 1): None,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
_BLOCKS = (8, 8)


@dataclass(frozen=True)
class DecodedFrame:
    """A frame, its time in seconds from the start of the file, and whether it is HDR."""

    seconds: float
    image: Image.Image
    hdr: bool


def frames_between(path: Path, index: int, span: tuple[float, float], size: tuple[int, int]) -> list[DecodedFrame]:
    """The frames on screen in a span of time, upright and scaled to this size."""
    first, last = span
    found: list[tuple[float, Any]] = []
    with av.open(f"file:{path}", metadata_errors="ignore") as source:
        stream = source.streams[index]
        shape = Fraction(stream.codec_context.width, stream.codec_context.height)
        for seconds, frame in _frames(source, stream, first):
            if found and seconds > last:
                break
            if found and seconds <= first:
                found.clear()
            found.append((seconds, frame))
        return [
            DecodedFrame(seconds, _upright(frame, stream, size, shape), _is_hdr(stream)) for seconds, frame in found
        ]


def frame_times(path: Path, index: int) -> list[float]:
    """The time of each frame, in seconds from the start of the file."""
    with av.open(f"file:{path}", metadata_errors="ignore") as source:
        return sorted(seconds for seconds, _ in _frames(source, source.streams[index], 0.0))


def decoded(path: Path, index: int) -> list[tuple[float, Image.Image]]:
    """Time and image of each frame, in seconds from the start of the file."""
    with av.open(f"file:{path}", metadata_errors="ignore") as source:
        return [(seconds, frame.to_image()) for seconds, frame in _frames(source, source.streams[index], 0.0)]


def first_audio_time(path: Path, index: int) -> float:
    """The time of the first decoded audio frame, in seconds from the start of the file."""
    with av.open(f"file:{path}", metadata_errors="ignore") as source:
        return next(_frames(source, source.streams[index], 0.0))[0]


def block_means(image: Image.Image) -> list[int]:
    """Mean red, green and blue of 8x8 blocks."""
    return list(image.convert("RGB").resize(_BLOCKS, Image.Resampling.BOX).tobytes())


def max_difference(one: Image.Image, other: Image.Image) -> int:
    """The maximum difference of two block means, of 255."""
    return max(abs(a - b) for a, b in zip(block_means(one), block_means(other), strict=True))


def color_difference(one: Image.Image, other: Image.Image) -> float:
    """The maximum difference of the mean colors, of 255."""
    means = (ImageStat.Stat(image.convert("RGB")).mean for image in (one, other))
    return max(abs(a - b) for a, b in zip(*means, strict=True))


def luma_stats(image: Image.Image) -> tuple[float, float]:
    """Mean and standard deviation of the luma."""
    reported = ImageStat.Stat(image.convert("L"))
    return reported.mean[0], reported.stddev[0]


def combing(image: Image.Image) -> float:
    """The difference of neighboring rows over that of every other row: above 1, the frame is interlaced."""
    gray = image.convert("L")
    rows = [gray.crop((0, place, gray.width, place + 1)).tobytes() for place in range(gray.height)]
    return _difference(rows, 1) / max(1, _difference(rows, 2))


def _difference(rows: list[bytes], step: int) -> int:
    pairs = zip(rows, rows[step:], strict=False)
    return sum(abs(a - b) for upper, lower in pairs for a, b in zip(upper, lower, strict=True))


def _frames(source: Any, stream: Any, start: float) -> Iterator[tuple[float, Any]]:
    origin = Fraction(source.start_time or 0, av.time_base)
    decoder = _decoder(stream)
    if start > 4:
        source.seek(int((start + float(origin) - 1) * av.time_base), backward=True)
    for packet in source.demux(stream):
        try:
            decoded = decoder.decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in decoded:
            reported = frame.dts if frame.pts is None else frame.pts
            yield float((reported or 0) * stream.time_base - origin), frame


def _decoder(stream: Any) -> Any:
    """Only libvpx decodes the alpha channel of WebM."""
    tags = {name.lower(): value for name, value in stream.metadata.items()}
    name = stream.codec_context.codec.canonical_name
    if tags.get("alpha_mode") != "1" or name not in ("vp8", "vp9"):
        return stream.codec_context
    return av.CodecContext.create({"vp8": "libvpx", "vp9": "libvpx-vp9"}[name], "r")


def _upright(frame: Any, stream: Any, size: tuple[int, int], shape: Fraction) -> Image.Image:
    turn = _matrix(frame)
    across, down = reversed(size) if turn[0] == 0 else size
    upright = _TURNS[turn]
    slimmer = Fraction(frame.width, frame.height) / shape
    inside = (round(across * min(1, slimmer)), round(down * min(1, 1 / slimmer)))
    image = ImageOps.pad(_rgb(frame, stream, inside), (across, down), color="black")
    return image if upright is None else image.transpose(upright)


def _rgb(frame: Any, stream: Any, size: tuple[int, int]) -> Image.Image:
    if not frame.format.name.startswith("yuv"):
        return _scaled(frame, size, "rgb24").to_image()
    full = frame.format.name.startswith("yuvj") or frame.color_range == 2
    planes = "yuvj444p" if full else "yuv444p"
    parts = [_plane(plane, size) for plane in _scaled(frame, size, planes).planes]
    image = Image.merge("RGB", parts).convert("RGB", _rows(*_weights(frame, stream), full=full))
    if "yuva" not in frame.format.name:
        return image
    alpha = _plane(_scaled(frame, size, "yuva444p").planes[3], size)
    return Image.composite(image, Image.new("RGB", size, "white"), alpha)


def _scaled(frame: Any, size: tuple[int, int], pixels: str) -> Any:
    ranged = 2 if pixels.startswith("yuvj") else 0
    return frame.reformat(
        *size, pixels, interpolation=Interpolation.AREA, src_color_range=ranged or None, dst_color_range=ranged or None
    )


def _plane(plane: Any, size: tuple[int, int]) -> Image.Image:
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)


def _weights(frame: Any, stream: Any) -> tuple[float, float]:
    """The luma weights of red and blue. Undeclared, they are those of SD or HD by the size, as in players."""
    reported = WEIGHTS.get(int(frame.colorspace))
    if reported:
        return reported
    small = frame.height <= _HIGH_DEFINITION and frame.width < 1280
    return WEIGHTS[6 if small or stream.codec_context.codec.canonical_name in _ALWAYS_601 else 1]


def _rows(red: float, blue: float, *, full: bool) -> tuple[float, ...]:
    """Red, green and blue as sums of Y, Cb, Cr and a constant."""
    green, black = 1 - red - blue, 0 if full else 16
    gray, color = (1.0, 1.0) if full else (255 / 219, 255 / 224)
    of_red, of_blue = 2 * (1 - red) * color, 2 * (1 - blue) * color
    rows = ((0.0, of_red), (-of_blue * blue / green, -of_red * red / green), (of_blue, 0.0))
    return tuple(part for cb, cr in rows for part in (gray, cb, cr, -gray * black - 128 * (cb + cr)))


def _is_hdr(stream: Any) -> bool:
    return int(stream.codec_context.color_trc) in HDR_TRANSFERS


def _matrix(frame: Any) -> tuple[int, int, int, int]:
    """The signs of the display matrix: where a step to the right and a step down lead on the screen."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            reported = struct.unpack("=9i", bytes(data)[:36])
            return tuple(
                (part > 2**15) - (part < -(2**15)) for part in (reported[0], reported[1], reported[3], reported[4])
            )
    return (1, 0, 0, 1)
