"""Pictures in few colours."""

import imagequant
from PIL import Image

from penstock.engines.images.pixels import is_opaque


def few_colours(picture: Image.Image, colours: int, dithering: float = 1.0) -> Image.Image:
    """A palette picture that hides that it is one, alpha included; exact where so few colours are all.

    `dithering` from 0 to 1 is how far an error is spread to the pixels beside it."""
    width, height = picture.size
    indices, palette = imagequant.quantize_raw_rgba_bytes(
        picture.convert("RGBA").tobytes(), width, height, dithering_level=dithering, max_colors=colours
    )
    reduced = Image.frombytes("P", picture.size, indices)
    used = palette[: 4 * (max(indices) + 1)]
    if is_opaque(picture):
        reduced.putpalette([value for place, value in enumerate(used) if place % 4 != 3], "RGB")
    else:
        reduced.putpalette(used, "RGBA")
    return reduced
