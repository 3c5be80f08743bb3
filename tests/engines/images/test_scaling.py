"""Scaling with libvips gives the same images as with Pillow."""

import pytest
from PIL import Image, ImageChops, ImageStat

from penstock.domain import errors
from penstock.engines.images.scaling import read_scaled, scaled

from .sample_images import BLACK, convert, photo

pytestmark = pytest.mark.media

QUALITY = {"jpg": {"quality": 95, "subsampling": 0}}
SIZES = [(320, 240), (97, 211), (639, 16), (800, 600), (50, 38)]


def large(mode):
    """An image with enough pixels for libvips, with a gradient as alpha."""
    image = photo((800, 600)).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((800, 600)))
    return image


def difference(one, other):
    """The maximum and the mean difference of all bands."""
    max_difference = ImageStat.Stat(ImageChops.difference(one, other))
    return max(high for _, high in max_difference.extrema), max(max_difference.mean)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "RGBA"])
def test_libvips_scales_like_pillow(mode, size):
    fast, slow = scaled(large(mode), size), large(mode).resize(size, Image.Resampling.LANCZOS)
    assert (fast.mode, fast.size) == (mode, size)
    most, mean = difference(*(image.convert("RGBa") if mode == "RGBA" else image for image in (fast, slow)))
    assert (most <= 4, mean < 0.6) == (True, True)


def test_transparent_pixels_of_a_large_image_do_not_tint_others():
    image = Image.new("RGBA", (800, 800), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (400, 0, 800, 800))
    small = scaled(image, (101, 101))
    across = [small.getpixel((x, 50)) for x in range(101)]
    assert all(pixel[:3] == BLACK for pixel in across if pixel[3] > 8)


def test_an_image_of_the_requested_size_is_returned_unchanged():
    image = large("RGB")
    assert scaled(image, image.size) is image


@pytest.mark.parametrize(
    ("mode", "name"),
    [("L", "a.jpg"), ("RGB", "b.jpg"), ("L", "c.png"), ("LA", "d.png"), ("RGB", "e.png"), ("RGBA", "f.png")],
)
def test_scaling_while_decoding_gives_the_same_image(mode, name, tmp_path):
    image = large("RGBA" if mode == "LA" else mode).convert(mode).resize((1600, 1200))
    image.save(tmp_path / name, **QUALITY.get(name[2:], {}))
    with Image.open(tmp_path / name) as stored:
        small = read_scaled(stored, (1200, 900))
        whole = scaled(stored.copy(), (1200, 900))
    assert (small.mode, small.size) == (mode, (1200, 900))
    assert (
        difference(*(image.convert({"LA": "La", "RGBA": "RGBa"}.get(mode, mode)) for image in (small, whole)))[1] < 0.6
    )


def test_a_jpeg_that_its_decoder_makes_small_is_left_to_pillow(tmp_path):
    large("RGB").resize((1600, 1200)).save(tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as stored:
        assert read_scaled(stored, (320, 240)) is None


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_half_a_large_image_is_rejected(name, tmp_path):
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.InputTruncated):
        convert(tmp_path / name, tmp_path / "output.webp", width=200)
    assert not (tmp_path / "output.webp").exists()


@pytest.mark.parametrize("image", [Image.new("P", (800, 600)), Image.new("I;16", (800, 600)), photo((400, 300))])
def test_unusual_and_small_images_are_left_to_pillow(image, tmp_path):
    image.save(tmp_path / "input.png")
    with Image.open(tmp_path / "input.png") as stored:
        assert read_scaled(stored, (80, 60)) is None
