"""Opening a picture with the one reader that its bytes call for, and what goes wrong while it is read."""

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

# Pillow loads all forty of its plugins, in every child anew, once it is asked for one that is not loaded yet; and PPM's
# before it first saves anything.
LOADED = (
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

# What Pillow and the libraries behind it raise for bytes that are not what they claim to be.
_DAMAGE = (
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
_CUT_OFF = ("truncated", "end of file", "unexpected end", "not enough data")


@contextmanager
def opened(path: str, opener: str, limits: Limits) -> Iterator[ImageFile.ImageFile]:
    """The picture, its pixels not yet read and known to be few enough."""
    if opener == "HEIF":
        pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = 2 * limits.image_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with reading():
            picture = Image.open(path, formats=(opener,))
        with picture:
            _require_few_pixels(picture, opener, limits)
            yield picture


@contextmanager
def reading() -> Iterator[None]:
    """What fails in here is the input's fault, and told so."""
    try:
        yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
        raise errors.InputLimitsExceeded("The input has more pixels than are taken.", detail=str(bomb)) from bomb
    except _DAMAGE as damage:
        if any(sign in str(damage).lower() for sign in _CUT_OFF):
            raise errors.InputTruncated("The input ends before the picture does.", detail=str(damage)) from damage
        raise errors.InputUnreadable("The input is damaged and cannot be read.", detail=repr(damage)) from damage


def _require_few_pixels(picture: Image.Image, opener: str, limits: Limits) -> None:
    # A JPEG can be scaled while it is decoded, so that twice as many of its pixels fit.
    most = limits.image_pixels * (2 if opener == "JPEG" else 1)
    width, height = picture.size
    if width * height > most or max(width, height) > limits.image_side_pixels:
        raise errors.InputLimitsExceeded(
            f"The input is {width}x{height}; at most {most:,} pixels and {limits.image_side_pixels:,} a side are taken."
        )
