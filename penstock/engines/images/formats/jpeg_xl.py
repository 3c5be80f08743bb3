"""JPEG XL, decoded by libjxl (pillow-jxl-plugin) into a Pillow image."""

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageFile, JpegImagePlugin

from penstock.domain import errors

_MAX_BOXES = 1000
# Enough for the size and what follows it.
_HEADER_BYTES, _MIN_BYTES = 64, 4
_ORIENTATION_BITS = 3
_ORIENTATION = 0x0112
_TIFF_HEADERS = (b"II*\0", b"MM\0*")
# Width over height, by number; 0 means that the width is given.
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_LENGTHS_OF_SIDE = (9, 13, 18, 30)


class JxlImageFile(ImageFile.ImageFile):
    """A still JPEG XL. Opening reads the size alone; other facts need the whole image.

    Not an animation: the library gives its last frame."""

    format = "JXL"

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 - Pillow's type
        header = _header(_codestream(self.fp.read()))
        self._mode, self._size = "RGB", _coded_size(header)
        if _is_animated(header):
            raise errors.InputUnreadable("The input is an animated JPEG XL; only stills are read.")

    def decode(self) -> None:
        """Decode the pixels, which also tells the mode, the profile and EXIF. Raises `RuntimeError` or `ValueError` for
        damage.

        libjxl applies the orientation, so that of EXIF is removed. A JPEG that was packed without loss is unpacked, and
        has its own."""
        import pillow_jxl  # noqa: PLC0415 - a child process that reads no JPEG XL starts without it

        assert self.fp is not None  # noqa: S101
        self.fp.seek(0)
        is_jpeg, facts, data, profile, boxes = pillow_jxl.Decoder(num_threads=0)(self.fp.read())
        decoded = JpegImagePlugin.JpegImageFile(io.BytesIO(data)) if is_jpeg else _image(facts, data)
        if sorted(decoded.size) != sorted(self.size):
            raise ValueError("the image has another size than its header says")
        decoded.load()
        if not is_jpeg:
            decoded.info = _info(profile, boxes)
        self.im, self._mode, self._size, self.info = decoded.im, decoded.mode, decoded.size, decoded.info

    def load(self) -> Any:
        if self._im is None:
            self.decode()
        return super().load()


def _image(facts: Any, data: bytes) -> Image.Image:
    mode = "F" if facts.mode == "F;16" else facts.mode  # Pillow's name; the numbers have 32 bits
    if mode == "LA":
        data = _in_bytes(data, 2 * facts.width * facts.height)
    return Image.frombytes(mode, (facts.width, facts.height), data)


def _in_bytes(data: bytes, numbers: int) -> bytes:
    """Gray and alpha, of which the library does not tell whether each has 8 or 16 bits. Raises `ValueError` for 32."""
    if len(data) > 2 * numbers:
        raise ValueError("gray and alpha in floating-point numbers")
    return data[1::2] if len(data) == 2 * numbers else data


def _info(profile: bytes | None, boxes: list[Any]) -> dict[str | tuple[int, int], Any]:
    found: dict[str | tuple[int, int], Any] = {"icc_profile": profile} if profile else {}
    if box := next((box.data for box in boxes if box.box_type == b"Exif"), None):
        exif = Image.Exif()
        # The offset of the TIFF header comes first; some programs leave it out.
        exif.load(box if box[:4] in _TIFF_HEADERS else box[4 + int.from_bytes(box[:4]) :])
        exif.pop(_ORIENTATION, None)
        found["exif"] = exif.tobytes()
    return found


def _codestream(data: bytes) -> bytes:
    """The start of the codestream, in a container or without one (ISO/IEC 18181-2 §9)."""
    if data.startswith(b"\xff\x0a"):
        return data[:_HEADER_BYTES]
    # A part begins with its number.
    parts = (content[4 if kind == b"jxlp" else 0 :] for kind, content in _boxes(data) if kind in (b"jxlc", b"jxlp"))
    return b"".join(parts)[:_HEADER_BYTES]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and first bytes of each box."""
    offset = 0
    for _ in range(_MAX_BOXES):
        length, kind = int.from_bytes(data[offset : offset + 4]), data[offset + 4 : offset + 8]
        start = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(data[offset + 8 : offset + 16])
        end = offset + length if length else len(data)
        yield kind, data[offset + start : min(end, offset + start + _HEADER_BYTES)]
        if not offset + start <= end < len(data):
            return
        offset = end


def _header(codestream: bytes) -> "_Bits":
    """What follows the signature. Raises `ValueError` without one."""
    if len(codestream) < _MIN_BYTES or not codestream.startswith(b"\xff\x0a"):
        raise ValueError("the header is damaged")
    return _Bits(codestream[2:])


def _coded_size(bits: "_Bits") -> tuple[int, int]:
    """Width and height before the orientation is applied, by the SizeHeader (ISO/IEC 18181-1 §D.3.2)."""
    is_small = bool(bits.read(1))
    height = _side(bits, is_small=is_small)
    ratio = bits.read(3)
    if not ratio:
        return _side(bits, is_small=is_small), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height


def _is_animated(bits: "_Bits") -> bool:
    """By the start of the ImageMetadata, which follows the size (§D.3.1): it may begin with other fields."""
    is_default, has_fields = bits.read(1), bits.read(1)
    if is_default or not has_fields:
        return False
    bits.read(_ORIENTATION_BITS)
    if bits.read(1):
        _coded_size(bits)
    has_preview = bits.read(1)
    return not has_preview and bool(bits.read(1))


def _side(bits: "_Bits", *, is_small: bool) -> int:
    return 8 * (bits.read(5) + 1) if is_small else bits.read(_LENGTHS_OF_SIDE[bits.read(2)]) + 1


class _Bits:
    """Reads numbers from bytes, the lowest bits first."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")

    def read(self, count: int) -> int:
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        return value
