"""Pictures into files: what each format is written with, at every quality."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import imagequant
from PIL import Image

from penstock.domain.formats import ImageFormat
from penstock.domain.quality import setting
from penstock.engines.pictures_pixels import has_alpha, is_opaque

_LOSSLESS_PNG = 0.8
_FULL_CHROMA = 0.9
_DITHERED_GIF = 0.6
_OPAQUE = 128
# Level 6 of 9: the highest takes five times as long for three percent.
_PNG: dict[str, Any] = {"format": "PNG", "compress_level": 6}
_GIF: dict[str, Any] = {"format": "GIF", "optimize": False}


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished picture and how long it is shown."""

    picture: Image.Image
    milliseconds: float


def write_still(picture: Image.Image, target: Path, kind: ImageFormat, quality: float) -> None:
    _STILL[kind](picture, target, quality)


def write_animation(frames: Sequence[Frame], plays: int, target: Path, quality: float, *, kind: ImageFormat) -> None:
    """All frames in time; `plays` of 0 is for ever. Only gif and webp move."""
    _MOVING[kind](frames, plays, target, quality)


def _jpeg(picture: Image.Image, target: Path, quality: float) -> None:
    chroma = 0 if quality >= _FULL_CHROMA else 2
    picture.save(target, "JPEG", quality=int(setting("jpeg", quality)), progressive=True, subsampling=chroma)


def _png(picture: Image.Image, target: Path, quality: float) -> None:
    if quality >= _LOSSLESS_PNG or picture.mode in ("P", "L", "LA"):
        picture.save(target, **_PNG)
    else:
        _few_colours(picture, int(setting("png", quality))).save(target, **_PNG)


def _webp(picture: Image.Image, target: Path, quality: float) -> None:
    picture.save(target, "WEBP", **_webp_options(quality))


def _gif(picture: Image.Image, target: Path, quality: float) -> None:
    _palettised(picture, quality).save(target, **_GIF)


def _moving_webp(frames: Sequence[Frame], plays: int, target: Path, quality: float) -> None:
    times = _carried([frame.milliseconds for frame in frames], 1)
    first, *rest = (frame.picture for frame in frames)
    options = {"save_all": True, "append_images": rest, "duration": times, "loop": plays}
    first.save(target, "WEBP", **options, **_webp_options(quality))


def _moving_gif(frames: Sequence[Frame], plays: int, target: Path, quality: float) -> None:
    times = _carried([frame.milliseconds for frame in frames], 10)
    first, *rest = (_palettised(frame.picture, quality) for frame in frames)
    # The file counts repeats after the first time, and says nothing where there are none.
    again: dict[str, Any] = {} if plays == 1 else {"loop": max(0, plays - 1)}
    disposal = 2 if any(has_alpha(frame.picture) for frame in frames) else 0
    first.save(target, save_all=True, append_images=rest, duration=times, disposal=disposal, **again, **_GIF)


def _webp_options(quality: float) -> dict[str, Any]:
    if quality >= 1:
        return {"lossless": True, "quality": 20, "method": 0}
    return {"quality": int(setting("webp", quality)), "method": 2}


def _few_colours(picture: Image.Image, colours: int) -> Image.Image:
    """A palette picture that hides that it is one, alpha included."""
    indices, palette = imagequant.quantize_raw_rgba_bytes(
        picture.convert("RGBA").tobytes(), picture.width, picture.height, max_colors=colours
    )
    reduced = Image.frombytes("P", picture.size, indices)
    reduced.putpalette(palette, "RGBA")
    return reduced


def _palettised(picture: Image.Image, quality: float) -> Image.Image:
    """At most 256 colours, of which one is no colour where the picture has holes."""
    if is_opaque(picture):
        return _reduced(picture.convert("RGB"), int(setting("gif", quality)), quality)
    reduced = _reduced(picture.convert("RGB"), int(setting("gif", quality)) - 1, quality)
    hole = len(reduced.getpalette() or ()) // 3
    reduced.putpalette([*(reduced.getpalette() or ()), 0, 0, 0])
    reduced.paste(hole, mask=picture.getchannel("A").point(lambda value: 255 if value < _OPAQUE else 0))
    reduced.info["transparency"] = hole
    return reduced


def _reduced(picture: Image.Image, colours: int, quality: float) -> Image.Image:
    few = picture.quantize(colours, Image.Quantize.MEDIANCUT)
    if quality < _DITHERED_GIF or picture.getcolors(colours):
        return few
    return picture.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG)


def _carried(times: Sequence[float], step: int) -> list[int]:
    """Whole steps whose sum stays true: what one frame is rounded by, the next one makes up for."""
    ends, end = [0], 0.0
    for time in times:
        end += time
        ends.append(round(end / step) * step)
    return [after - before for before, after in pairwise(ends)]


_STILL: dict[ImageFormat, Callable[[Image.Image, Path, float], None]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "gif": _gif,
}
_MOVING: dict[ImageFormat, Callable[[Sequence[Frame], int, Path, float], None]] = {
    "gif": _moving_gif,
    "webp": _moving_webp,
}
