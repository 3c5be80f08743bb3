"""Open an image with one forced Pillow plugin, and turn reading errors into ours."""

import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    DdsImagePlugin,
    GifImagePlugin,
    IcnsImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    MspImagePlugin,
    PcdImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.engines.images.formats.camera_raw import RawImageFile
from penstock.engines.images.formats.jpeg_xl import JxlImageFile
from penstock.engines.images.formats.linear import ExrImageFile, PfmImageFile, PhmImageFile, RadianceImageFile
from penstock.engines.images.formats.psd import PsdImageFile
from penstock.engines.images.formats.stills import StillImageFile
from penstock.engines.images.formats.targa import TargaImageFile
from penstock.engines.images.formats.xpm import XpmImageFile

# Imported in advance: if Pillow needs a plugin that is not loaded, every child loads all forty. PPM is loaded before
# the first image is saved.
PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    DdsImagePlugin,
    GifImagePlugin,
    IcnsImagePlugin,
    IcoImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    MspImagePlugin,
    PcdImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

# The classes that open what Pillow does not read, or not fully.
_OWN_CLASSES: dict[str, Callable[[str], ImageFile.ImageFile]] = {
    "EXR": ExrImageFile,
    "HDR": RadianceImageFile,
    "JXL": JxlImageFile,
    "LIBAV": StillImageFile,
    "PFM": PfmImageFile,
    "PHM": PhmImageFile,
    "PSD": PsdImageFile,
    "RAW": RawImageFile,
    "TGA": TargaImageFile,
    "XPM": XpmImageFile,
}

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
            image = _opened(path, image_format)
        with image:
            _require_max_pixels(image, image_format, limits)
            if isinstance(image, JxlImageFile | StillImageFile):
                with translated_errors():
                    image.decode()
            yield image


def _opened(path: str, image_format: str) -> ImageFile.ImageFile:
    if own_class := _OWN_CLASSES.get(image_format):
        return own_class(path)
    return Image.open(path, formats=(image_format,))


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
