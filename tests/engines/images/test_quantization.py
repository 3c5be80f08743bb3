"""Palettes are close to the image, and have no unused colors."""

import random

import pytest
from PIL import Image, ImageChops, ImageStat

from penstock.engines.images.pixels import quantized

from .sample_images import photo

pytestmark = pytest.mark.media


def speckled(colors):
    """An image with exactly so many colors."""
    dice = random.Random(colors)
    known = [(place, dice.randrange(256), dice.randrange(256)) for place in range(colors)]
    image = Image.new("RGB", (80, 60))
    image.putdata(known + [dice.choice(known) for _ in range(80 * 60 - colors)])
    return image


@pytest.mark.parametrize("dithering", [0, 0.25, 0.5, 1])
@pytest.mark.parametrize("colors", [2, 16, 200])
def test_an_image_of_few_colors_keeps_exactly_those(colors, dithering):
    image = speckled(colors)
    reduced = quantized(image, 255, dithering)
    assert reduced.convert("RGB").tobytes() == image.tobytes()
    assert len(reduced.getpalette()) == 3 * colors


def test_more_colors_are_closer():
    image = photo((320, 240))
    errors = [
        sum(ImageStat.Stat(ImageChops.difference(image, quantized(image, colors, 0).convert("RGB"))).mean)
        for colors in (8, 32, 128)
    ]
    assert errors == sorted(errors, reverse=True)


def test_a_palette_keeps_transparency():
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (10, 10, 30, 30))
    reduced = quantized(image, 256).convert("RGBA")
    assert (reduced.getpixel((0, 0))[3], reduced.getpixel((20, 20))) == (0, (0, 0, 255, 255))
