"""Scale images down with libvips where that is faster: while a file is decoded, or in memory.

libvips filters rows as they are decoded, with SIMD, and never holds a whole large image in memory. Pillow scales the
rest: unusual pixel formats, animations, small images, and images that keep their size.
"""

from typing import Any

import pyvips
from PIL import Image, ImageFile

from penstock.domain import errors

# A child never makes the same image twice: a cache of operations would only hold memory, from one call to the next.
pyvips.cache_set_max(0)

WidthHeight = tuple[int, int]

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_BANDS = {mode: bands for bands, mode in _MODES.items()}
_MIN_PIXELS = 250_000
# Beyond this factor libvips averages so many pixels before it filters that the difference is visible.
_MAX_SHRINK = 16
# By what factor at least the filter has to shrink a JPEG after its decoder has. With 1.0 a decode at a quarter of the
# size costs 1 to 12 points of SSIMULACRA2, depending on the grain; with 1.5 up to 3.5 points, with 2.0 up to 1.5. With
# 1.15 a grainy photograph written as WebP loses up to 7 points, and 99 MP take a fifth less time.
_MIN_FILTER_SHRINK = 1.5
# Pillow decodes a JPEG faster if few pixels are left of it: a photograph of 7 MP to 160 px takes 25 ms instead of 29,
# to 640 px 32 instead of 35, to 1024 px 46 instead of 44.
_MAX_PILLOW_PIXELS = 1_500_000
_SEQUENTIAL: dict[str, Any] = {"access": "sequential", "fail_on": "truncated"}


def scaled(image: Image.Image, size: WidthHeight) -> Image.Image:
    """The image at this size, the same object if it has it. Alpha is premultiplied, so that transparent pixels do not
    tint their neighbors."""
    if image.size == size:
        return image
    if not _is_worthwhile(image, size):
        return image.resize(size, Image.Resampling.LANCZOS)
    bands = _BANDS[image.mode]
    pixels = pyvips.Image.new_from_memory(image.tobytes(), *image.size, bands, "uchar")
    try:
        return _resized(pixels.copy(interpretation="srgb" if bands > 2 else "b-w"), size)
    except pyvips.Error as error:
        raise errors.EngineError("The image could not be scaled.", detail=repr(error)) from error


def read_scaled(image: ImageFile.ImageFile, size: WidthHeight) -> Image.Image | None:
    """An opened image, not decoded yet, decoded by libvips at this size. None if Pillow has to decode it, or libvips
    fails."""
    if not (_is_worthwhile(image, size) and _vips_reads_same_pixels(image)) or _is_small_jpeg(image, size):
        return None
    try:
        decoded = _VIPS_LOADERS[str(image.format)](image, size)
        return _resized(decoded, size) if decoded.format == "uchar" and decoded.bands in _MODES else None
    except pyvips.Error:
        return None


def jpeg_shrink(image: ImageFile.ImageFile, size: WidthHeight) -> int:
    """The factor, 1, 2, 4 or 8, by which the JPEG decoder may scale down so that the filter still makes it sharp."""
    factor = min(old / (_MIN_FILTER_SHRINK * new) for old, new in zip(image.size, size, strict=True))
    return next(shrink for shrink in (8, 4, 2, 1) if shrink <= max(1, factor))


def _is_worthwhile(image: Image.Image, size: WidthHeight) -> bool:
    """Whether libvips is faster: many pixels, and scaled down by a factor of 1 to 16."""
    if image.mode not in _BANDS or image.width * image.height < _MIN_PIXELS:
        return False
    return all(new <= old <= _MAX_SHRINK * new for old, new in zip(image.size, size, strict=True))


def _is_small_jpeg(image: ImageFile.ImageFile, size: WidthHeight) -> bool:
    """Whether the JPEG decoder scales the image down to few pixels."""
    shrink = jpeg_shrink(image, size)
    return image.format in ("JPEG", "MPO") and image.width * image.height <= _MAX_PILLOW_PIXELS * shrink**2


def _vips_reads_same_pixels(image: ImageFile.ImageFile) -> bool:
    """Whether a loader of libvips decodes the same pixels as Pillow."""
    is_still = image.format == "MPO" or not getattr(image, "is_animated", False)
    return image.format in _VIPS_LOADERS and is_still and image.tell() == 0 and "transparency" not in image.info


def _load_jpeg(image: ImageFile.ImageFile, size: WidthHeight) -> pyvips.Image:
    return pyvips.Image.jpegload(str(image.filename), shrink=jpeg_shrink(image, size), **_SEQUENTIAL)


def _load_png(image: ImageFile.ImageFile, _: WidthHeight) -> pyvips.Image:
    return pyvips.Image.pngload(str(image.filename), **_SEQUENTIAL)


_VIPS_LOADERS = {"JPEG": _load_jpeg, "MPO": _load_jpeg, "PNG": _load_png}


def _resized(image: pyvips.Image, size: WidthHeight) -> Image.Image:
    horizontal, vertical = (new / old for new, old in zip(size, (image.width, image.height), strict=True))
    if image.hasalpha():
        premultiplied = image.premultiply().resize(horizontal, vscale=vertical)
        small = premultiplied.unpremultiply().rint().cast("uchar")  # a cast alone rounds down
    else:
        small = image.resize(horizontal, vscale=vertical)
    mode = _MODES[small.bands]
    return Image.frombuffer(mode, size, small.write_to_memory(), "raw", mode, 0, 1)
