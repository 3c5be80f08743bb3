"""Stills that libav decodes whole, opened as Pillow images of eight bits a channel."""

import io
import re
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFile

from penstock.domain import errors
from penstock.engines.images.formats.libav import decoded_frame, frame_of
from penstock.engines.probing.still_headers import StillHeader, still_header

if TYPE_CHECKING:
    import pyvips

_HEADER_BYTES = 64 * 1024
# More than a line of any format. Two bytes that mean different numbers in each: zeros and ones are both black in DXT.
_PADDING, _PADDING_PER_COLUMN, _MIN_PADDING = (b"\x5a", b"\xff"), 16, 4096
# Pillow's mode and raw mode, by libav's format.
_RAW_MODES = {
    "monow": ("1", "1;I"),
    "monob": ("1", "1"),
    "gray": ("L", "L"),
    "ya8": ("LA", "LA"),
    "rgb24": ("RGB", "RGB"),
    "bgr24": ("RGB", "BGR"),
    "0rgb": ("RGB", "XRGB"),
    "rgb0": ("RGB", "RGBX"),
    "0bgr": ("RGB", "XBGR"),
    "bgr0": ("RGB", "BGRX"),
    "rgba": ("RGBA", "RGBA"),
    "bgra": ("RGBA", "BGRA"),
    "argb": ("RGBA", "ARGB"),
    "abgr": ("RGBA", "ABGR"),
}
# Raw modes of 16 bits a pixel in little-endian order, by the format without its order: libav's own conversion does not
# swap the bytes.
_SHORT_RAW_MODES = {"rgb555": "BGR;15", "rgb565": "BGR;16", "bgr555": "RGB;15", "bgr565": "RGB;16"}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
# Formats without subsampling, whose numbers are converted here: libav's own conversion is not exact.
_CHANNELS = re.compile(r"(gray|ya|gbra?p|rgb|rgba)(9|\d\d)?(le|be)?")
_NUMBERS = 1 << 16


@dataclass(frozen=True, slots=True)
class _Still:
    """How libav decodes the stills of a container.

    `packet` takes from the file what the decoder gets; it raises `OSError`, `ValueError` or an `InputError` for what
    the decoder would show wrongly. `is_checked`: the decoder itself refuses a file that ends early."""

    codec: str
    is_checked: bool = False
    packet: Callable[[bytes, StillHeader], bytes] = lambda data, _: data


def _after(length: int) -> Callable[[bytes, StillHeader], bytes]:
    return lambda data, _: data[length:]


def _c_source(data: bytes, header: StillHeader) -> bytes:
    """An X bitmap with the end of its list: its decoder takes half a number for one."""
    if b"}" not in data[header.end :]:
        raise OSError("image file is truncated")
    return data


def _interchange_file(data: bytes, header: StillHeader) -> bytes:
    """A whole IFF. Lines of a PBM are padded to an even length, which the decoder does not know."""
    if 8 + int.from_bytes(data[4:8]) > len(data) + 1:  # the last byte may be padding
        raise OSError("image file is truncated")
    if data[8:12] == b"PBM " and header.size[0] % 2:
        raise _not_supported("a PBM of odd width")
    return data


def _picture(data: bytes, header: StillHeader) -> bytes:
    """A QuickDraw picture after an empty header. The decoder reads its first bitmap alone, which must cover it, and the
    lengths of lines only as they are in wide bitmaps."""
    found = _BITMAP.search(data, header.end)
    if found is None or tuple(int.from_bytes(found[side]) for side in ("width", "height")) != header.size:
        raise _not_supported("a picture of something else than one bitmap")
    if int.from_bytes(found["length"]) & 0x3FFF <= _SHORT_LINE_BYTES:
        raise _not_supported("a bitmap with lines of up to 250 bytes")
    return bytes(512) + data[header.end - 16 :]


def _sensor(data: bytes, header: StillHeader) -> bytes:
    """A whole Cintel file. Raises `OSError` unless all numbers of the sensor are there, and not compressed."""
    if any(side % 2 for side in header.size):  # half a filter; libav aborts
        raise _not_supported("a sensor with an odd number of pixels")
    chunks = _cri_chunks(data)
    model = int.from_bytes(chunks[100][8:12], "little")
    if 102 in chunks or model not in _SENSOR_BITS:
        raise _not_supported("a picture of a sensor that is compressed or has 10 bits")
    if 8 * len(chunks[103]) < _SENSOR_BITS[model] * header.size[0] * header.size[1]:
        raise OSError("image file is truncated")
    return data


def _cri_chunks(data: bytes) -> dict[int, bytes]:
    """Contents by key."""
    offset, chunks = 0, {}
    while offset + 8 <= len(data):
        key, length = struct.unpack_from("<II", data, offset)
        chunks[key] = data[offset + 8 : offset + 8 + length]
        offset += 8 + length
    return chunks


def _not_supported(detail: str) -> errors.InputUnreadable:
    return errors.InputUnreadable("The input needs what its decoder does not support.", detail=detail)


_BITMAP = re.compile(
    rb"(?:\0\x98|\0\x9a\0\0\0\xff)(?P<length>[\x80-\xbf].)\0{4}(?P<height>.{2})(?P<width>.{2})", re.DOTALL
)
_SHORT_LINE_BYTES = 250
# Bits of a number by the color model of a Cintel file.
_SENSOR_BITS = {76: 12, 77: 12, 78: 12, 79: 12, 88: 16, 89: 16, 90: 16, 91: 16}

_STILLS = {
    "sunrast": _Still("sunrast"),
    "xbm": _Still("xbm", is_checked=True, packet=_c_source),
    "xwd": _Still("xwd", is_checked=True),
    "pam": _Still("pam", is_checked=True),
    "pgx": _Still("pgx", is_checked=True),
    "pict": _Still("qdraw", packet=_picture),
    "pictor": _Still("pictor"),
    "gem": _Still("gem"),
    "vbn": _Still("vbn", is_checked=True),
    "cri": _Still("cri", is_checked=True, packet=_sensor),
    "jpegls": _Still("jpegls"),
    "dpx": _Still("dpx", is_checked=True),
    "ilbm": _Still("iff", packet=_interchange_file),
    "fits": _Still("fits", is_checked=True, packet=_after(80)),
    "brender": _Still("brender_pix", is_checked=True),
    "txd": _Still("txd", packet=_after(52)),
}


class StillImageFile(ImageFile.ImageFile):
    """Opening reads the size alone; the mode is known after `decode`."""

    format = "LIBAV"

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 - Pillow's type
        header = still_header(self.fp.read(_HEADER_BYTES))
        if header is None:
            raise SyntaxError("the header is damaged")
        self._mode, self._size, self._header = "RGB", header.size, header

    def decode(self) -> None:
        """Decode the pixels. Raises `OSError` or `ValueError` for a file that ends early or is damaged."""
        assert self.fp is not None  # noqa: S101
        self.fp.seek(0)
        decoded = self._decoded(self.fp.read())
        self.im, self._mode = decoded.im, decoded.mode

    def load(self) -> Any:
        if self._im is None:
            self.decode()
        return super().load()

    def _decoded(self, data: bytes) -> Image.Image:
        """Most decoders show what is missing at the end of a file as black or gray. So what would follow the file must
        change no number."""
        still = _STILLS[self._header.container]
        packet = still.packet(data, self._header)
        if still.is_checked:
            return _visible(self._stored(still, packet))
        length = _PADDING_PER_COLUMN * self.width + _MIN_PADDING
        image, other = (self._stored(still, packet, byte * length) for byte in _PADDING)
        if (image.mode, image.tobytes(), image.getpalette()) != (other.mode, other.tobytes(), other.getpalette()):
            raise OSError("image file is truncated")
        return _visible(image)

    def _stored(self, still: _Still, packet: bytes, padding: bytes = b"") -> Image.Image:
        if still.codec == "iff":
            return _stored_image(_demuxed_frame(packet, padding, self.size))
        return _stored_image(decoded_frame(still.codec, packet + padding, self.size))


def _demuxed_frame(data: bytes, padding: bytes, size: tuple[int, int]) -> Any:
    """Of an IFF, whose decoder needs what only the demuxer tells it."""
    from penstock.engines.probing import demuxing  # noqa: PLC0415 - loads libav

    with demuxing.open_container(io.BytesIO(data), "iff") as container:
        stream = container.streams.video[0]
        packet = next(container.demux(stream), None)
        if packet is None or not packet.size:
            raise OSError("image file is truncated")
        return frame_of(stream.codec_context, bytes(packet) + padding, size)


def image_of(frame: Any) -> Image.Image:
    """A frame of libav in the nearest mode. Raises `InputUnreadable` for pixels in YCbCr."""
    return _visible(_stored_image(frame))


def _stored_image(frame: Any) -> Image.Image:
    """With its palette and all of its alpha."""
    name, size = frame.format.name, (frame.width, frame.height)
    if name in _RAW_MODES:
        return _from_plane(*_RAW_MODES[name], size, frame.planes[0])
    if name == "pal8":
        return _with_palette(size, *frame.planes)
    if _CHANNELS.fullmatch(name):
        return _from_channels(frame, size)
    if name[:-2] in _SHORT_RAW_MODES:
        return _from_words(frame, size)
    if frame.format.is_bayer:
        return _flipped(_stored_image(frame.reformat(format="rgb24")), frame)
    raise _not_supported(f"pixels in {name}")


def _from_plane(mode: str, raw_mode: str, size: tuple[int, int], plane: Any) -> Image.Image:
    return Image.frombytes(mode, size, bytes(plane), "raw", raw_mode, plane.line_size, 1)


def _with_palette(size: tuple[int, int], indices: Any, palette: Any) -> Image.Image:
    image = _from_plane("P", "P", size, indices)
    image.putpalette(Image.frombytes("RGBA", (256, 1), bytes(palette)[:1024], "raw", "BGRA").tobytes(), "RGBA")
    return image


def _visible(image: Image.Image) -> Image.Image:
    """Without a palette, and without alpha if no pixel is visible, or each is opaque: many programs leave it 0."""
    if image.mode == "P":
        image = image.convert("RGBA")
    if not image.mode.endswith("A"):
        return image
    return image.convert(image.mode[:-1]) if image.getchannel("A").getextrema() in ((0, 0), (255, 255)) else image


def _flipped(image: Image.Image, frame: Any) -> Image.Image:
    """As the frame's matrix says, of which a negative diagonal means a mirrored axis."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    horizontal, _, _, _, vertical, *_ = struct.unpack("=9i", matrix) if matrix else (1,) * 9
    if horizontal < 0:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if vertical < 0 else image


def _from_words(frame: Any, size: tuple[int, int]) -> Image.Image:
    """Of 16 bits a pixel."""
    words = array("H", bytes(frame.planes[0]))
    if frame.format.name.endswith("be"):
        words.byteswap()
    raw_mode = _SHORT_RAW_MODES[frame.format.name[:-2]]
    return Image.frombytes("RGB", size, words.tobytes(), "raw", raw_mode, frame.planes[0].line_size, 1)


def _from_channels(frame: Any, size: tuple[int, int]) -> Image.Image:
    """Of 8 to 16 bits a channel; rounded to eight."""
    components = frame.format.components
    bits, bands = components[0].bits, len(components) // len(frame.planes)
    planes = [_numbers(plane, size, bands, "uchar" if bits == 8 else "ushort") for plane in frame.planes]
    first, *others = planes if bands > 1 else [planes[component.plane] for component in components]
    stored = first.bandjoin(others) if others else first
    channels = stored.byteswap() if frame.format.name.endswith("be") else stored
    narrow = channels if bits == 8 else channels.maplut(_to_eight_bits(bits))
    mode = _MODES[narrow.bands]
    return Image.frombytes(mode, size, narrow.write_to_memory())


def _numbers(plane: Any, size: tuple[int, int], bands: int, number: str) -> "pyvips.Image":
    """A plane without the padding at the end of its lines, which may be less than a pixel."""
    import pyvips  # noqa: PLC0415 - a child process that reads other images starts without it

    columns = plane.line_size // (1 if number == "uchar" else 2)
    lines = pyvips.Image.new_from_memory(bytes(plane), columns, size[1], 1, number).crop(0, 0, bands * size[0], size[1])
    return pyvips.Image.new_from_memory(lines.write_to_memory(), *size, bands, number)


def _to_eight_bits(bits: int) -> "pyvips.Image":
    """The nearest number of eight bits for each of so many bits."""
    import pyvips  # noqa: PLC0415

    highest = (1 << bits) - 1
    values = bytes(min(255, (510 * value + highest) // (2 * highest)) for value in range(_NUMBERS))
    return pyvips.Image.new_from_memory(values, _NUMBERS, 1, 1, "uchar")
