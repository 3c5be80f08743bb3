"""Few colours are chosen well, and none is kept that is not used."""

import random

import pytest
from PIL import Image, ImageChops, ImageStat

from penstock.engines.images.pixels import quantized

from .pictures import photo

pytestmark = pytest.mark.media


def speckled(colours):
    """A picture that has exactly these many colours."""
    dice = random.Random(colours)
    known = [(place, dice.randrange(256), dice.randrange(256)) for place in range(colours)]
    picture = Image.new("RGB", (80, 60))
    picture.putdata(known + [dice.choice(known) for _ in range(80 * 60 - colours)])
    return picture


@pytest.mark.parametrize("dithering", [0, 0.25, 0.5, 1])
@pytest.mark.parametrize("colours", [2, 16, 200])
def test_what_has_few_colours_keeps_each_and_no_other(colours, dithering):
    picture = speckled(colours)
    reduced = quantized(picture, 255, dithering)
    assert reduced.convert("RGB").tobytes() == picture.tobytes()
    assert len(reduced.getpalette()) == 3 * colours


def test_more_colours_are_nearer():
    picture = photo((320, 240))
    errors = [
        sum(ImageStat.Stat(ImageChops.difference(picture, quantized(picture, colours, 0).convert("RGB"))).mean)
        for colours in (8, 32, 128)
    ]
    assert errors == sorted(errors, reverse=True)


def test_a_palette_knows_what_can_be_seen_through():
    picture = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (10, 10, 30, 30))
    reduced = quantized(picture, 256).convert("RGBA")
    assert (reduced.getpixel((0, 0))[3], reduced.getpixel((20, 20))) == (0, (0, 0, 255, 255))
