"""Pictures made smaller by libvips, where that gains: while they are read, or in memory.

It filters rows as they are decoded, with vector code, and never has a large picture whole in memory. Pillow reads what
is left: odd ways of storing pixels, animations, and what keeps its size.
"""

from typing import Any

import pyvips
from PIL import Image, ImageFile

from penstock.domain import errors

Pair = tuple[int, int]

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_BANDS = {mode: bands for bands, mode in _MODES.items()}
_LEAST_PIXELS = 250_000
# Beyond, libvips averages so many pixels before it filters that one can tell.
_MOST_TIMES = 16
# Where nothing is left to the filter, a JPEG's own quarter is worth one to twelve points of SSIMULACRA2 less than the
# whole, by how grainy it is; with this much left, up to three and a half, and with twice, one and a half. At 1.15 a
# written WebP of a grainy photograph is worth up to seven points less, and 99 MP take a fifth less time.
_SPARE = 1.5
_SEQUENTIAL: dict[str, Any] = {"access": "sequential", "fail_on": "truncated"}


def scaled(picture: Image.Image, size: Pair) -> Image.Image:
    """The picture at this size; itself where it has it. What is transparent lends no colour to what is not."""
    if picture.size == size:
        return picture
    if not _gains(picture, size):
        return picture.resize(size, Image.Resampling.LANCZOS)
    bands = _BANDS[picture.mode]
    pixels = pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, bands, "uchar")
    try:
        return _fitted(pixels.copy(interpretation="srgb" if bands > 2 else "b-w"), size)
    except pyvips.Error as fault:
        raise errors.EngineError("The picture could not be scaled.", detail=repr(fault)) from fault


def read_scaled(picture: ImageFile.ImageFile, size: Pair) -> Image.Image | None:
    """An opened picture at this size, its pixels not read before; None where that is for Pillow to do, or to refuse."""
    if not (_gains(picture, size) and _is_plain(picture)):
        return None
    try:
        stored = _OPENED[str(picture.format)](picture, size)
        return _fitted(stored, size) if stored.format == "uchar" and stored.bands in _MODES else None
    except pyvips.Error:
        return None


def share(picture: ImageFile.ImageFile, size: Pair) -> int:
    """By how much a JPEG may be made smaller as it is decoded, so that enough is left for the filter to be as sharp."""
    left = min(had / (_SPARE * wanted) for had, wanted in zip(picture.size, size, strict=True))
    return next(part for part in (8, 4, 2, 1) if part <= max(1, left))


def _gains(picture: Image.Image, size: Pair) -> bool:
    """Whether there is enough to do, and not so much that it is done otherwise."""
    if picture.mode not in _BANDS or picture.width * picture.height < _LEAST_PIXELS:
        return False
    return all(wanted <= had <= _MOST_TIMES * wanted for had, wanted in zip(picture.size, size, strict=True))


def _is_plain(picture: ImageFile.ImageFile) -> bool:
    """Whether a loader of libvips reads the same pixels as Pillow does."""
    still = picture.format == "MPO" or not getattr(picture, "is_animated", False)
    return picture.format in _OPENED and still and picture.tell() == 0 and "transparency" not in picture.info


def _jpeg(picture: ImageFile.ImageFile, size: Pair) -> pyvips.Image:
    return pyvips.Image.jpegload(str(picture.filename), shrink=share(picture, size), **_SEQUENTIAL)


def _png(picture: ImageFile.ImageFile, _: Pair) -> pyvips.Image:
    return pyvips.Image.pngload(str(picture.filename), **_SEQUENTIAL)


_OPENED = {"JPEG": _jpeg, "MPO": _jpeg, "PNG": _png}


def _fitted(picture: pyvips.Image, size: Pair) -> Image.Image:
    across, down = (wanted / had for wanted, had in zip(size, (picture.width, picture.height), strict=True))
    if picture.hasalpha():
        weighted = picture.premultiply().resize(across, vscale=down)
        small = weighted.unpremultiply().rint().cast("uchar")  # a bare cast rounds down
    else:
        small = picture.resize(across, vscale=down)
    mode = _MODES[small.bands]
    return Image.frombuffer(mode, size, small.write_to_memory(), "raw", mode, 0, 1)
