"""Large pictures are scaled by another library than small ones, and nobody can tell."""

import pytest
from PIL import Image, ImageChops, ImageStat

from penstock.engines.pictures_scaling import scaled

from .pictures import BLACK, photo

pytestmark = pytest.mark.media

SIZES = [(320, 240), (97, 211), (639, 16), (800, 600), (50, 38)]


def large(mode):
    """More pixels than are left to the simple way, the alpha a slope of its own."""
    picture = photo((800, 600)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize((800, 600)))
    return picture


def difference(one, other):
    """The most that any band differs by, and the mean."""
    apart = ImageStat.Stat(ImageChops.difference(one, other))
    return max(high for _, high in apart.extrema), max(apart.mean)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "RGBA"])
def test_a_picture_is_scaled_as_the_slow_filter_scales_it(mode, size):
    fast, slow = scaled(large(mode), size), large(mode).resize(size, Image.Resampling.LANCZOS)
    assert (fast.mode, fast.size) == (mode, size)
    most, mean = difference(*(picture.convert("RGBa") if mode == "RGBA" else picture for picture in (fast, slow)))
    assert (most <= 4, mean < 0.7) == (True, True)


def test_hidden_colours_of_a_large_picture_do_not_bleed():
    picture = Image.new("RGBA", (800, 800), (255, 255, 255, 0))
    picture.paste((0, 0, 0, 255), (400, 0, 800, 800))
    small = scaled(picture, (101, 101))
    across = [small.getpixel((x, 50)) for x in range(101)]
    assert all(pixel[:3] == BLACK for pixel in across if pixel[3] > 8)


def test_a_picture_of_the_asked_size_is_left_alone():
    picture = large("RGB")
    assert scaled(picture, picture.size) is picture
