"""Open an image with one forced Pillow plugin, and turn reading errors into ours."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from penstock.domain import errors
from penstock.domain.limits import Limits

# Imported in advance: if Pillow needs a plugin that is not loaded, every child loads all forty. PPM is loaded before
# the first image is saved.
PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

# What Pillow and the libraries that it uses raise for damaged files.
_DAMAGE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)
_TRUNCATION_PHRASES = ("truncated", "end of file", "unexpected end", "not enough data")


@contextmanager
def open_image(path: str, image_format: str, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """The image, not decoded yet. Raises `InputLimitsExceeded` if it has too many pixels, else as
    `translated_errors` does."""
    if image_format == "HEIF":
        pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = 2 * limits.image_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with translated_errors():
            image = Image.open(path, formats=(image_format,))
        with image:
            _require_max_pixels(image, image_format, limits)
            yield image


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raises `InputLimitsExceeded`, `InputTruncated` or `InputUnreadable` for what Pillow raises while it reads."""
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise errors.InputLimitsExceeded("The input has more pixels than are allowed.", detail=str(error)) from error
    except _DAMAGE_ERRORS as error:
        if any(phrase in str(error).lower() for phrase in _TRUNCATION_PHRASES):
            raise errors.InputTruncated("The input ends before the image does.", detail=str(error)) from error
        raise errors.InputUnreadable("The input is damaged and cannot be read.", detail=repr(error)) from error


def _require_max_pixels(image: Image.Image, image_format: str, limits: Limits) -> None:
    # A JPEG can be scaled down while it is decoded, so it may have twice as many pixels.
    max_pixels = limits.image_pixels * (2 if image_format == "JPEG" else 1)
    width, height = image.size
    if width * height > max_pixels or max(width, height) > limits.image_side_pixels:
        raise errors.InputLimitsExceeded(
            f"The input is {width}x{height}; at most {max_pixels:,} pixels, and {limits.image_side_pixels:,} on one "
            "side, are allowed."
        )
