"""Write images to files: the encoder options of each format at a quality."""

import errno
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from penstock.domain import errors
from penstock.domain.formats import ImageFormat
from penstock.domain.planning.quality import encoder_setting, full_chroma, image_setting
from penstock.engines.images.frame_timing import Frame, rounded_durations
from penstock.engines.images.gif import MIN_ALPHA, write_gif
from penstock.engines.images.pixels import flattened, is_opaque, max_alpha, quantized

_DISK_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_MIN_LOSSLESS_PNG_QUALITY = 0.8
_WHITE = "#ffffff"
# Level 6 of 9: level 9 takes five times as long for files 3% smaller.
_PNG_OPTIONS: dict[str, Any] = {"format": "PNG", "compress_level": 6}
# Only the first frame of a WebP animation is a key frame: files are up to two fifths smaller than with Pillow's
# defaults, and take less time. More key frames would only serve seeking.
_SINGLE_KEY_FRAME = {"kmin": 2**29, "kmax": 2**30}


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """`exif` is written to all formats but GIF, which cannot store it."""

    format: ImageFormat
    quality: float
    exif: bytes = b""


def write_still(image: Image.Image, target: Path, options: WriteOptions) -> None:
    """Raises `DiskFull` or `EngineError`."""
    with _translated_write_errors():
        _STILL_WRITERS[options.format](image, target, options)


def write_animation(frames: Sequence[Frame], plays: int, target: Path, options: WriteOptions) -> None:
    """Write a GIF or WebP animation; `plays` is how often it is shown, 0 for ever. Raises as `write_still` does."""
    with _translated_write_errors():
        _ANIMATION_WRITERS[options.format](frames, plays, target, options)


@contextmanager
def _translated_write_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise errors.DiskFull("The disk is full; try again later.") from error
        raise errors.EngineError("The image could not be written.", detail=repr(error)) from error
    except (ValueError, RuntimeError) as error:
        raise errors.EngineError("The image could not be written.", detail=repr(error)) from error


def _write_jpeg(image: Image.Image, target: Path, options: WriteOptions) -> None:
    subsampling = 0 if full_chroma(options.quality, image.width * image.height) else 2
    quality = int(encoder_setting("jpeg", options.quality))
    # Into memory first: Pillow's encoder writes to files itself, and does not report a disk that fills up midway.
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", progressive=True, exif=options.exif, quality=quality, subsampling=subsampling)
    target.write_bytes(buffer.getbuffer())


def _write_png(image: Image.Image, target: Path, options: WriteOptions) -> None:
    if options.quality >= _MIN_LOSSLESS_PNG_QUALITY or image.mode in ("L", "LA"):
        reduced = _smallest_mode(image)
    else:
        reduced = quantized(image, int(encoder_setting("png", options.quality)))
    reduced.save(target, exif=options.exif, **_PNG_OPTIONS)


def _smallest_mode(image: Image.Image) -> Image.Image:
    """The same pixels in black and white or with a palette, if that can represent them."""
    if image.mode == "L" and {gray for _, gray in image.getcolors(2) or [(0, 1)]} <= {0, 255}:
        return image.convert("1")
    if image.mode in ("RGB", "RGBA") and image.getcolors(256):
        palette_image = quantized(image, 256)
        return palette_image if palette_image.convert(image.mode).tobytes() == image.tobytes() else image
    return image


def _write_webp(image: Image.Image, target: Path, options: WriteOptions) -> None:
    image.save(target, "WEBP", **_webp_options(image, options))


def _write_gif_still(image: Image.Image, target: Path, options: WriteOptions) -> None:
    write_gif([Frame(_visible_in_gif(image), 0)], 1, target, options.quality)


def _write_gif_animation(frames: Sequence[Frame], plays: int, target: Path, options: WriteOptions) -> None:
    write_gif(frames, plays, target, options.quality)


def _visible_in_gif(image: Image.Image) -> Image.Image:
    """On white, if no pixel is opaque enough to be drawn: GIF has no partial transparency."""
    return flattened(image, _WHITE) if not is_opaque(image) and 0 < max_alpha(image) < MIN_ALPHA else image


def _write_webp_animation(frames: Sequence[Frame], plays: int, target: Path, options: WriteOptions) -> None:
    durations = rounded_durations([frame.milliseconds for frame in frames], 1)
    first, *rest = (frame.image for frame in frames)
    animation: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": durations, "loop": plays}
    first.save(target, "WEBP", **animation, **_SINGLE_KEY_FRAME, **_webp_options(first, options))


def _webp_options(image: Image.Image, options: WriteOptions) -> dict[str, Any]:
    if options.quality >= 1:
        return {"lossless": True, "quality": 20, "method": 0, "exif": options.exif}
    quality = int(image_setting("webp", options.quality, image.width * image.height))
    return {"quality": quality, "method": 2, "exif": options.exif}


_STILL_WRITERS: dict[ImageFormat, Callable[[Image.Image, Path, WriteOptions], None]] = {
    "jpeg": _write_jpeg,
    "png": _write_png,
    "webp": _write_webp,
    "gif": _write_gif_still,
}
_ANIMATION_WRITERS: dict[ImageFormat, Callable[[Sequence[Frame], int, Path, WriteOptions], None]] = {
    "gif": _write_gif_animation,
    "webp": _write_webp_animation,
}
