"""Large pictures are scaled by another library than small ones, and nobody can tell."""

import pytest
from PIL import Image, ImageChops, ImageStat

from penstock.domain import errors
from penstock.engines.images.scaling import read_scaled, scaled

from .pictures import BLACK, convert, photo

pytestmark = pytest.mark.media

QUALITY = {"jpg": {"quality": 95, "subsampling": 0}}
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
    assert (most <= 4, mean < 0.6) == (True, True)


def test_hidden_colours_of_a_large_picture_do_not_bleed():
    picture = Image.new("RGBA", (800, 800), (255, 255, 255, 0))
    picture.paste((0, 0, 0, 255), (400, 0, 800, 800))
    small = scaled(picture, (101, 101))
    across = [small.getpixel((x, 50)) for x in range(101)]
    assert all(pixel[:3] == BLACK for pixel in across if pixel[3] > 8)


def test_a_picture_of_the_asked_size_is_left_alone():
    picture = large("RGB")
    assert scaled(picture, picture.size) is picture


@pytest.mark.parametrize(
    ("mode", "name"),
    [("L", "a.jpg"), ("RGB", "b.jpg"), ("L", "c.png"), ("LA", "d.png"), ("RGB", "e.png"), ("RGBA", "f.png")],
)
def test_a_picture_that_is_scaled_while_it_is_read_is_the_same_picture(mode, name, tmp_path):
    large("RGBA" if mode == "LA" else mode).convert(mode).save(tmp_path / name, **QUALITY.get(name[2:], {}))
    with Image.open(tmp_path / name) as stored:
        small = read_scaled(stored, (320, 240))
        whole = scaled(stored.copy(), (320, 240))
    assert (small.mode, small.size) == (mode, (320, 240))
    assert (
        difference(*(picture.convert({"LA": "La", "RGBA": "RGBa"}.get(mode, mode)) for picture in (small, whole)))[1]
        < 0.6
    )


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_half_a_large_picture_is_refused_and_not_filled_up(name, tmp_path):
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.InputTruncated):
        convert(tmp_path / name, tmp_path / "output.webp", width=200)
    assert not (tmp_path / "output.webp").exists()


@pytest.mark.parametrize("picture", [Image.new("P", (800, 600)), Image.new("I;16", (800, 600)), photo((400, 300))])
def test_odd_and_small_pictures_are_left_to_the_other_reader(picture, tmp_path):
    picture.save(tmp_path / "input.png")
    with Image.open(tmp_path / "input.png") as stored:
        assert read_scaled(stored, (80, 60)) is None
