"""Draws small images, converts them by a plan, and opens the outputs."""

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from penstock.domain.limits import Limits
from penstock.domain.planning.planner import plan_for
from penstock.domain.request import parse_request
from penstock.engines.images.image_probe import probe_image
from penstock.engines.images.rendering import render
from penstock.engines.probing.signatures import sniff

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def facts(path):
    file_type = sniff(path)
    return probe_image(str(path), file_type.container, file_type.format_name, Limits())


def convert(path, target, **options):
    """The output of a request, opened."""
    name = {"jpg": "jpeg"}.get(target.suffix[1:], target.suffix[1:])
    request = parse_request({"url": "http://example.com/", "kind": "image", "format": name, **options})
    plan = plan_for(request, facts(path), Limits())
    render(plan, str(path), sniff(path).format_name, str(target), Limits())
    return Image.open(io.BytesIO(target.read_bytes()))


def four_quarters(size=(40, 20)):
    """Red and green above blue and white: no two corners are alike."""
    image = Image.new("RGB", size)
    width, height = size[0] // 2, size[1] // 2
    for place, color in enumerate((RED, GREEN, BLUE, WHITE)):
        left, top = width * (place % 2), height * (place // 2)
        image.paste(color, (left, top, left + width, top + height))
    return image


def corners(image):
    """The names of the colors two pixels inside each corner, in reading order."""
    plain = image.convert("RGB")
    right, bottom = plain.width - 3, plain.height - 3
    return [_named(plain.getpixel(place)) for place in ((2, 2), (right, 2), (2, bottom), (right, bottom))]


def _named(color):
    known = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE, "black": BLACK}
    return min(known, key=lambda name: sum(abs(a - b) for a, b in zip(known[name], color, strict=True)))


def photo(size=(320, 240)):
    """Soft gradients, like a photograph."""
    ramp = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (ramp, Image.radial_gradient("L").resize(size), ramp.rotate(180)))


def grid(image):
    """Mean luma of 8x8 blocks."""
    return list(image.convert("L").resize((8, 8), Image.Resampling.BOX).tobytes())


def luma_difference(one, other):
    return max(abs(a - b) for a, b in zip(grid(one), grid(other), strict=True))


@dataclass(frozen=True)
class Animation:
    """The color in the middle of each frame, and its duration in milliseconds."""

    colors: list
    times: list

    @staticmethod
    def of(path: Path) -> "Animation":
        with Image.open(path) as image:
            colors, times = [], []
            for place in range(image.n_frames):
                image.seek(place)
                image.load()
                pixel = image.convert("RGBA").getpixel((image.width // 2, image.height // 2))
                colors.append("transparent" if pixel[3] < 128 else _named(pixel[:3]))
                times.append(image.info.get("duration", 0))
        return Animation(colors, times)
