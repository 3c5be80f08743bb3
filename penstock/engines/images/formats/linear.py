"""Images of linear light in floating-point numbers (PFM, PHM, Radiance HDR, OpenEXR), opened as Pillow images in sRGB.

0 is black and 1 is white; what is brighter is clipped. sRGB's transfer function (IEC 61966-2-1) and rounding give eight
bits. The primaries are taken as those of BT.709. Exposure, the scale of PFM, chromaticities and pixel aspect ratios are
ignored, as in most viewers.
"""

import math
import re
import struct
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFile

from penstock.engines.images.formats.libav import decoded_frame
from penstock.engines.probing.still_headers import PFM, PHM, RADIANCE

if TYPE_CHECKING:
    import pyvips

_HEADER_BYTES = 1 << 20
# Lines in a chunk, by the number of the compression.
_EXR_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)
# Flags of tiles, of deep data and of several parts, in the second byte of the version.
_EXR_OTHER_LAYOUTS = 0x02 | 0x08 | 0x10
_HALF_FLOATS = 1 << 16
# The channels of libav's formats, without the bits of a number. Y and A share a plane, others have one each.
_CHANNELS = {"gray": "Y", "ya": "YA", "gbrp": "GBR", "gbrap": "GBRA"}


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Linear light by the name of its channel, R, G, B or Y, and A; each is an image of one band."""

    channels: "dict[str, pyvips.Image]"
    is_premultiplied: bool = False


class _LinearImageFile(ImageFile.ImageFile):
    """An image of which only the header has been read, until `load` decodes it."""

    def load(self) -> Any:
        if self._im is None:
            self.im = _in_srgb(self._decode(), self.mode, self.size).im
        return super().load()

    @abstractmethod
    def _decode(self) -> _Pixels: ...

    def _read(self, length: int = -1) -> bytes:
        """The file from its start."""
        with Path(str(self.filename)).open("rb") as file:
            return file.read(length)


class PfmImageFile(_LinearImageFile):
    """Portable float map: rows from the bottom to the top, big-endian if the scale is positive."""

    format = "PFM"
    _pattern, _number, _number_bytes = PFM, "float", 4

    def _open(self) -> None:
        header = _matched(self._pattern, self._read(_HEADER_BYTES))
        self._mode = "RGB" if header["kind"].upper() == header["kind"] else "L"
        self._size = int(header["width"]), int(header["height"])

    def _decode(self) -> _Pixels:
        import pyvips  # noqa: PLC0415 - a child process that only probes images starts without it

        data = self._read()
        header = _matched(self._pattern, data)
        names = "RGB" if self.mode == "RGB" else "Y"
        length = self._number_bytes * len(names) * self.width * self.height
        pixels = memoryview(data)[header.end() :][:length]
        if len(pixels) < length:
            raise OSError("image file is truncated")
        stored = pyvips.Image.new_from_memory(pixels, *self.size, len(names), self._number)
        ordered = stored if header["scale"].startswith(b"-") else stored.byteswap()
        light = self._light(ordered.flip("vertical"))
        return _Pixels({name: light[number] for number, name in enumerate(names)})

    def _light(self, numbers: "pyvips.Image") -> "pyvips.Image":
        return numbers


class PhmImageFile(PfmImageFile):
    """Portable half map: as a float map, in numbers of 16 bits."""

    format = "PHM"
    _pattern, _number, _number_bytes = PHM, "ushort", 2

    def _light(self, numbers: "pyvips.Image") -> "pyvips.Image":
        return numbers.maplut(_half_floats())


class RadianceImageFile(_LinearImageFile):
    """Radiance RGBE, decoded by libav from a header that has nothing but the size."""

    format = "HDR"

    def _open(self) -> None:
        header = _matched(RADIANCE, self._read(_HEADER_BYTES))
        self._mode, self._size = "RGB", (int(header["width"]), int(header["height"]))

    def _decode(self) -> _Pixels:
        data = self._read()
        pixels = data[_matched(RADIANCE, data[:_HEADER_BYTES]).end() :]
        header = f"#?RADIANCE\n\n-Y {self.height} +X {self.width}\n".encode()
        return _Pixels(_decoded_by_libav("hdr", header + pixels, self.size))


class ExrImageFile(_LinearImageFile):
    """The first part of an OpenEXR file, in the size of its display window; decoded by libav. Colors are stored
    premultiplied with alpha."""

    format = "EXR"

    def _open(self) -> None:
        attributes, _ = _exr_attributes(self._read(_HEADER_BYTES))
        left, top, right, bottom = struct.unpack("<4i", attributes[b"displayWindow"])
        self._size = right - left + 1, bottom - top + 1
        names = set(_exr_channels(attributes[b"channels"]))
        colors = "RGB" if names >= set("RGB") else "L"
        self._mode = f"{colors}A" if "A" in names else colors

    def _decode(self) -> _Pixels:
        data = self._read()
        _require_exr_chunks(data)
        return _Pixels(_decoded_by_libav("exr", data, self.size), is_premultiplied=True)


def _matched(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes]:
    if found := pattern.match(data):
        return found
    raise SyntaxError("the header is damaged")


def _exr_attributes(data: bytes) -> tuple[dict[bytes, bytes], int]:
    """The attributes of the first part by name, and where they end. Raises `ValueError` or `struct.error` if the
    header does not end."""
    offset, found = 8, {}
    while data[offset : offset + 1] != b"\0":
        name_end = data.index(b"\0", offset)
        start = data.index(b"\0", name_end + 1) + 5
        end = start + struct.unpack_from("<I", data, start - 4)[0]
        found[data[offset:name_end]] = data[start:end]
        offset = end
    return found, offset + 1


def _require_exr_chunks(data: bytes) -> None:
    """Raises `OSError` if the file ends before one of its chunks does: libav shows what is missing as black.

    By the table of their offsets, which follows the header; not for files of several parts or of tiles."""
    attributes, table = _exr_attributes(data)
    if data[5] & _EXR_OTHER_LAYOUTS:
        return
    _, top, _, bottom = struct.unpack("<4i", attributes[b"dataWindow"])
    chunks = math.ceil((bottom - top + 1) / _EXR_LINES[attributes[b"compression"][0]])
    for (offset,) in struct.iter_unpack("<Q", data[table : table + 8 * chunks]):
        head = data[offset : offset + 8]
        if len(head) < 8 or offset + 8 + int.from_bytes(head[4:], "little") > len(data):
            raise OSError("image file is truncated")


def _exr_channels(listed: bytes) -> list[str]:
    """The names of the channels, each of which is followed by 16 bytes."""
    return [name.decode("latin-1") for name in re.findall(rb"([^\0]+)\0.{16}", listed, re.DOTALL)]


def _decoded_by_libav(codec: str, data: bytes, size: tuple[int, int]) -> "dict[str, pyvips.Image]":
    """The channels of the only frame in `data`. Raises as `decoded_frame` does."""
    frame = decoded_frame(codec, data, size)
    numbers = _floats if frame.format.name.endswith("f32le") else _from_halves
    names = _CHANNELS[frame.format.name.partition("f")[0]]
    bands = len(names) // len(frame.planes)
    channels = [band for plane in frame.planes for band in numbers(plane, bands, size).bandsplit()]
    return dict(zip(names, channels, strict=True))


def _floats(plane: Any, bands: int, size: tuple[int, int]) -> "pyvips.Image":
    return _cropped(memoryview(plane), plane.line_size // (4 * bands), size, bands, "float")


def _from_halves(plane: Any, bands: int, size: tuple[int, int]) -> "pyvips.Image":
    """Of numbers of 16 bits. libav's own conversion rounds to 1/2048 of white, which shows in the shadows."""
    return _cropped(memoryview(plane), plane.line_size // (2 * bands), size, bands, "ushort").maplut(_half_floats())


def _cropped(plane: memoryview, width: int, size: tuple[int, int], bands: int, number: str) -> "pyvips.Image":
    """A plane without the padding at the end of its lines."""
    import pyvips  # noqa: PLC0415

    return pyvips.Image.new_from_memory(plane, width, size[1], bands, number).crop(0, 0, *size)


def _half_floats() -> "pyvips.Image":
    """The value of each number of 16 bits."""
    import pyvips  # noqa: PLC0415

    values = struct.unpack(f"<{_HALF_FLOATS}e", struct.pack(f"<{_HALF_FLOATS}H", *range(_HALF_FLOATS)))
    return pyvips.Image.new_from_memory(struct.pack(f"{_HALF_FLOATS}f", *values), _HALF_FLOATS, 1, 1, "float")


def _in_srgb(pixels: _Pixels, mode: str, size: tuple[int, int]) -> Image.Image:
    """Eight bits a channel, of this mode."""
    channels, alpha = pixels.channels, pixels.channels.get("A")
    red, green, blue = (channels[name] for name in ("YYY" if "Y" in channels else "RGB"))
    light = red.bandjoin([green, blue])
    if alpha is not None and pixels.is_premultiplied:
        light = (alpha > 0).ifthenelse(light / alpha, light)
    # Also for infinity, which libvips makes black; what is no number becomes black.
    positive = (light > 0).ifthenelse(light, 0)
    clipped = (positive < 1).ifthenelse(positive, 1)
    colors = clipped.copy(interpretation="scrgb").colourspace("srgb")
    if mode.startswith("L"):
        colors = colors[0]
    if mode.endswith("A"):
        colors = colors.bandjoin((alpha * 255).rint().cast("uchar") if alpha is not None else 255)
    return Image.frombuffer(mode, size, colors.write_to_memory(), "raw", mode, 0, 1)
