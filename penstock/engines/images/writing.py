"""Pictures into files: what each format is written with, at every quality."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from penstock.domain.formats import ImageFormat
from penstock.domain.planning.quality import encoder_setting, full_chroma, image_setting
from penstock.engines.images.frames import Frame, carried
from penstock.engines.images.gif import SOLID, write_gif
from penstock.engines.images.palettes import few_colours
from penstock.engines.images.pixels import flattened, is_opaque, strongest

_LOSSLESS_PNG = 0.8
_WHITE = "#ffffff"
# Level 6 of 9: the highest takes five times as long for three percent.
_PNG: dict[str, Any] = {"format": "PNG", "compress_level": 6}

# Nobody seeks in an animation; without key frames every few frames it is smaller by up to two fifths, and sooner done.
_ONE_KEY_FRAME = {"kmin": 2**29, "kmax": 2**30}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a picture is written. `exif` is what it says of itself; gif has no place for that."""

    format: ImageFormat
    quality: float
    exif: bytes = b""


def write_still(picture: Image.Image, target: Path, manner: Manner) -> None:
    _STILL[manner.format](picture, target, manner)


def write_animation(frames: Sequence[Frame], plays: int, target: Path, manner: Manner) -> None:
    """All frames in time; `plays` of 0 is for ever. Only gif and webp move."""
    _MOVING[manner.format](frames, plays, target, manner)


def _jpeg(picture: Image.Image, target: Path, manner: Manner) -> None:
    chroma = 0 if full_chroma(manner.quality, picture.width * picture.height) else 2
    options: dict[str, Any] = {"quality": int(encoder_setting("jpeg", manner.quality)), "subsampling": chroma}
    # Into a file, Pillow's encoder writes by itself, and takes a disk that fills up half-way for success.
    written = io.BytesIO()
    picture.save(written, "JPEG", progressive=True, exif=manner.exif, **options)
    target.write_bytes(written.getbuffer())


def _png(picture: Image.Image, target: Path, manner: Manner) -> None:
    if manner.quality >= _LOSSLESS_PNG or picture.mode in ("L", "LA"):
        reduced = _compact(picture)
    else:
        reduced = few_colours(picture, int(encoder_setting("png", manner.quality)))
    reduced.save(target, exif=manner.exif, **_PNG)


def _compact(picture: Image.Image) -> Image.Image:
    """The very same pixels, as a palette or as black and white where that can hold them."""
    if picture.mode == "L" and {grey for _, grey in picture.getcolors(2) or [(0, 1)]} <= {0, 255}:
        return picture.convert("1")
    if picture.mode in ("RGB", "RGBA") and picture.getcolors(256):
        few = few_colours(picture, 256)
        return few if few.convert(picture.mode).tobytes() == picture.tobytes() else picture
    return picture


def _webp(picture: Image.Image, target: Path, manner: Manner) -> None:
    picture.save(target, "WEBP", **_webp_options(picture, manner))


def _gif(picture: Image.Image, target: Path, manner: Manner) -> None:
    write_gif([Frame(_visible(picture), 0)], 1, target, manner.quality)


def _moving_gif(frames: Sequence[Frame], plays: int, target: Path, manner: Manner) -> None:
    write_gif(frames, plays, target, manner.quality)


def _visible(picture: Image.Image) -> Image.Image:
    """A picture that is nowhere more than half there would be lost in a format that knows no halves."""
    return flattened(picture, _WHITE) if not is_opaque(picture) and 0 < strongest(picture) < SOLID else picture


def _moving_webp(frames: Sequence[Frame], plays: int, target: Path, manner: Manner) -> None:
    times = carried([frame.milliseconds for frame in frames], 1)
    first, *rest = (frame.picture for frame in frames)
    options: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": times, "loop": plays}
    first.save(target, "WEBP", **options, **_ONE_KEY_FRAME, **_webp_options(first, manner))


def _webp_options(picture: Image.Image, manner: Manner) -> dict[str, Any]:
    if manner.quality >= 1:
        return {"lossless": True, "quality": 20, "method": 0, "exif": manner.exif}
    number = int(image_setting("webp", manner.quality, picture.width * picture.height))
    return {"quality": number, "method": 2, "exif": manner.exif}


_STILL: dict[ImageFormat, Callable[[Image.Image, Path, Manner], None]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "gif": _gif,
}
_MOVING: dict[ImageFormat, Callable[[Sequence[Frame], int, Path, Manner], None]] = {
    "gif": _moving_gif,
    "webp": _moving_webp,
}
