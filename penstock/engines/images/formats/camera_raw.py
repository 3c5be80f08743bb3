"""Pictures of a camera's sensor (DNG, CR2, CR3, NEF, ARW), developed by LibRaw into Pillow images in sRGB."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image, ImageFile

_ORIENTATION = 0x0112
_TIFF_HEADERS = (b"II*\0", b"MM\0*")
# The bit of LibRaw's numbers for a picture whose width becomes its height: turned by a quarter, or mirrored at a
# diagonal.
_TRANSPOSED = 4
# Power and slope of the curve of sRGB; LibRaw's own default is that of BT.709.
_SRGB_GAMMA = (2.4, 12.92)


class RawImageFile(ImageFile.ImageFile):
    """Opened, the size is known, and tags; `load` develops the picture.

    With the camera's white balance, AHD interpolation, and brightened until 1% of the pixels are white. LibRaw reads
    from memory, because from a path it would open files beside it; it applies the orientation."""

    format = "RAW"

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 - Pillow's type
        self._data = self.fp.read()
        with _translated_errors():
            self._raw = _opened(self._data)
            sizes = self._raw.sizes
        if sizes.raw_width * sizes.raw_height > 2 * sizes.width * sizes.height:
            raise ValueError("most of the sensor is outside of the picture")
        self._mode, self._size = "RGB", _upright_size(sizes)

    def getexif(self) -> Image.Exif:
        exif = Image.Exif()
        if self._data.startswith(_TIFF_HEADERS):
            exif.load(self._data)
            exif.pop(_ORIENTATION, None)
        return exif

    def load(self) -> Any:
        if self._im is None:
            with _translated_errors():
                self._raw.unpack()
                _require_picture(self._raw.raw_image)
                developed = self._raw.postprocess(use_camera_wb=True, gamma=_SRGB_GAMMA, output_bps=8)
            height, width, _ = developed.shape
            if (width, height) != self.size:
                raise ValueError("the picture has another size than its header says")
            self.im = Image.frombuffer("RGB", self.size, developed.tobytes(), "raw", "RGB", 0, 1).im
        return super().load()


def _opened(data: bytes) -> Any:
    import rawpy  # noqa: PLC0415 - loads numpy, which no other format needs

    raw = rawpy.RawPy()
    raw.open_buffer(io.BytesIO(data))
    return raw


def _require_picture(numbers: Any) -> None:
    """Raises `ValueError` if all have one value: LibRaw tells nothing of compressed data that are no such data. None
    for a sensor without filters."""
    if numbers is not None and numbers.min() == numbers.max():
        raise ValueError("nothing of the picture can be decoded")


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raises `MemoryError` or `OSError` for what LibRaw raises."""
    import rawpy  # noqa: PLC0415

    try:
        yield
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
        raise MemoryError from error
    except rawpy.LibRawIOError as error:
        raise OSError("image file is truncated") from error
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise OSError(str(error)) from error


def _upright_size(sizes: Any) -> tuple[int, int]:
    """Width and height after LibRaw made the pixels square and turned the picture."""
    width, height, aspect = sizes.width, sizes.height, sizes.pixel_aspect
    if aspect < 1:
        height = int(height / aspect + 0.5)
    elif aspect > 1:
        width = int(width * aspect + 0.5)
    return (height, width) if sizes.flip & _TRANSPOSED else (width, height)
