"""X pixmaps: C source with one text for the sizes, one for each color, and one for each line of pixels.

Not decoded by libav, which makes unknown names of colors black, and codes without a color anything."""

import re
from collections.abc import Iterator

from PIL import Image, ImageColor

from penstock.domain import errors
from penstock.engines.images.formats.stills import StillImageFile

_TEXTS = re.compile(rb'/\*.*?\*/|"([^"\n]*)"', re.DOTALL)
# The color of a color screen, which may follow those of other screens.
_COLOR = re.compile(rb"(?:.*\s)?c\s+(#[0-9A-Fa-f]+|\w+)(?:\s.*)?")
_GRAY = re.compile(r"gr[ae]y(\d{1,3})")


class XpmImageFile(StillImageFile):
    """Transparent where the color is `None`."""

    format = "XPM"

    def _decoded(self, data: bytes) -> Image.Image:
        texts = [found[1] for found in _TEXTS.finditer(data) if found[1] is not None]
        _, _, count, length = (int(number) for number in texts[0].split()[:4])
        colors = dict(_color(text, length) for text in texts[1 : 1 + count])
        lines = texts[1 + count : 1 + count + self.height]
        if len(lines) < self.height or any(len(line) != length * self.width for line in lines):
            raise OSError("image file is truncated")
        pixels = b"".join(b"".join(colors[code] for code in _codes(line, length)) for line in lines)
        image = Image.frombytes("RGBA", self.size, pixels)
        return image if image.getchannel("A").getextrema()[0] == 0 else image.convert("RGB")


def _codes(line: bytes, length: int) -> Iterator[bytes]:
    return (line[start : start + length] for start in range(0, len(line), length))


def _color(text: bytes, length: int) -> tuple[bytes, bytes]:
    """A code, and its red, green, blue and alpha. Raises `InputUnreadable` for a color that has none of our names."""
    found = _COLOR.fullmatch(text[length:])
    name = found[1].decode("ascii", "replace").lower() if found else ""
    if name == "none":
        return text[:length], bytes(4)
    try:
        return text[:length], bytes((*_rgb(name), 255))
    except ValueError as error:
        raise errors.InputUnreadable("The input has a color that is not known.", detail=name) from error


def _rgb(name: str) -> tuple[int, ...]:
    """Of a name of CSS or X11's `gray0` to `gray100`, or of as many digits for each channel. Raises `ValueError`."""
    if gray := _GRAY.fullmatch(name):
        return (min(255, round(2.55 * int(gray[1]))),) * 3
    if name.startswith("#") and len(name) in (10, 13):  # three or four digits a channel
        digits = len(name) // 3
        name = "#" + "".join(name[start : start + 2] for start in range(1, len(name), digits))
    return ImageColor.getrgb(name)[:3]
