"""Operations on decoded images: alpha channel, eight bits a channel, palettes."""

import imagequant
from PIL import Image

_ALPHA_MODES = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
_WIDE_MODES = frozenset(("I", "I;16", "I;16L", "I;16B", "I;16N", "F"))


def has_alpha(image: Image.Image) -> bool:
    return image.mode in _ALPHA_MODES


def is_opaque(image: Image.Image) -> bool:
    return not has_alpha(image) or image.getchannel("A").getextrema()[0] == 255


def max_alpha(image: Image.Image) -> int:
    """The highest value of the alpha channel: 0 if nothing is visible."""
    return max(value for value, pixels in enumerate(image.getchannel("A").histogram()) if pixels)


def flattened(image: Image.Image, background: str) -> Image.Image:
    """Without alpha, on this background color."""
    if not has_alpha(image):
        return image
    canvas = Image.new("RGBA", image.size, background)
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas.convert("RGB")


def split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The color channels, and the alpha channel, which color management must not change."""
    match image.mode:
        case "LA":
            return image.getchannel("L"), image.getchannel("A")
        case "RGBA":
            return image.convert("RGB"), image.getchannel("A")
        case _:
            return image, None


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Eight bits a channel, no palette; LA or RGBA if the image has transparency."""
    if not image.has_transparency_data:
        return _converted(image, "RGB") if image.mode in ("P", "RGBX") else _narrowed(image)
    if image.mode in ("LA", "La"):
        return _converted(image, "LA")
    if image.mode in _WIDE_MODES:
        gray = _narrowed(image)
        gray.putalpha(_alpha_of_color_key(image))
        return gray
    return _converted(image, "RGBA")


def quantized(image: Image.Image, colors: int, dithering: float = 1.0) -> Image.Image:
    """A palette image of at most so many colors, alpha included; exact if the image has no more.

    `dithering`, 0 to 1, is the share of the error that is diffused to the neighboring pixels."""
    width, height = image.size
    indices, palette = imagequant.quantize_raw_rgba_bytes(
        image.convert("RGBA").tobytes(), width, height, dithering_level=dithering, max_colors=colors
    )
    result = Image.frombytes("P", image.size, indices)
    used = palette[: 4 * (max(indices) + 1)]
    if is_opaque(image):
        result.putpalette([value for position, value in enumerate(used) if position % 4 != 3], "RGB")
    else:
        result.putpalette(used, "RGBA")
    return result


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


def _alpha_of_color_key(image: Image.Image) -> Image.Image:
    """The alpha of a 16-bit image that declares one value as transparent."""
    opaque = [255] * 65_536
    opaque[image.info["transparency"]] = 0
    return image.convert("I").point(opaque, "L")


def _narrowed(image: Image.Image) -> Image.Image:
    match image.mode:
        case "1":
            return image.convert("L")
        case "F":
            return _scaled_floats(image)
        case mode if mode in _WIDE_MODES:
            # Pillow's own conversion clips 16-bit values to 255.
            return image.convert("I").point([(value + 128) // 257 for value in range(65_536)], "L")
        case _:
            return image


def _scaled_floats(image: Image.Image) -> Image.Image:
    """Floats have no defined range: values up to 1 are taken as 0 to 1, others as 0 to 255."""
    highest = image.getextrema()[1]
    factor = 255.0 if isinstance(highest, int | float) and highest <= 1.0 else 1.0
    return image.point(lambda value: value * factor + 0.0).convert("L")
