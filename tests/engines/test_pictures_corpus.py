"""The promises for pictures, kept for files that nobody here made."""

import warnings

import pytest
from PIL import Image, ImageOps

from penstock.domain import errors
from penstock.engines.sniff import sniff
from tests.corpus import holdings

from .pictures import convert, distance, facts

pytestmark = [pytest.mark.media, pytest.mark.corpus]

IMAGES = {holding.path: holding.told["image"] for holding in holdings() if holding.kind == "image"}
SIDEWAYS = (5, 6, 7, 8)
# Pillow tells the pages, thumbnails and depth maps of these as frames.
STILL_CONTAINERS = ("TIFF", "MPO", "HEIF")
REFUSED = {
    "truncated.png": errors.InputTruncated,
    "truncated.jpg": errors.InputTruncated,
    "truncated.gif": errors.InputTruncated,
    "broken.png": errors.InputUnreadable,
    "broken_data_stream.png": errors.InputUnreadable,
    "corrupted.heic": errors.InputUnreadable,
    "fuzz-j2k.j2k": errors.InputUnreadable,
    "hang.gif": errors.InputUnreadable,
    "CVE-2017-2862.jpg": errors.InputUnreadable,
    "png-text-chunk-flood.png": errors.InputUnreadable,
    "postscript-named.jpg": errors.InputUnreadable,
    "mvg-named.jpg": errors.InputUnreadable,
    "bomb-65535x66601.gif": errors.InputLimitsExceeded,
    "bomb-64250x64250.jpg": errors.InputLimitsExceeded,
    "bomb-40000-frames.gif": errors.InputLimitsExceeded,
    "bomb-268MP-16383x16383.png": errors.InputLimitsExceeded,
    "bomb-3000000x2000000.bmp": errors.InputLimitsExceeded,
    "large-280MP-20000x14000.jpg": errors.InputLimitsExceeded,
}


def test_facts_agree_with_the_manifest(corpus):
    for path, told in IMAGES.items():
        picture = facts(corpus / path).picture
        sides = {picture.size.width, picture.size.height}
        assert sides == {told["width"], told["height"]}, path
        if told["format"] not in STILL_CONTAINERS:
            assert picture.frames == (told.get("frames") or 1), path
            assert (picture.duration or 0) * 1000 == pytest.approx(told.get("animation_ms") or 0, abs=1), path


def test_pictures_held_sideways_are_measured_upright(corpus):
    for path, told in IMAGES.items():
        if told.get("exif_orientation") in SIDEWAYS and told["format"] == "JPEG":
            assert facts(corpus / path).picture.size.width == told["height"], path


@pytest.mark.parametrize("path", IMAGES)
def test_a_picture_becomes_a_thumbnail_that_looks_like_it(path, corpus, tmp_path):
    output = convert(corpus / path, tmp_path / "output.jpg", width=64, on_upscale="clamp", quality=0.95)
    assert not dict(output.getexif())
    if IMAGES[path]["mode"] in ("RGB", "L", "P", "RGBA") and not _is_managed(corpus / path):
        assert distance(output, _plain(corpus / path, output.size)) <= 12


def test_eight_ways_to_hold_a_camera_give_one_picture(corpus, tmp_path):
    folder = corpus / "image" / "orientation"
    upright = convert(folder / "Landscape_1.jpg", tmp_path / "1.png", width=300)
    for place in range(2, 9):
        assert distance(convert(folder / f"Landscape_{place}.jpg", tmp_path / "n.png", width=300), upright) < 16


def test_a_profile_that_swaps_the_colours_is_obeyed(corpus, tmp_path):
    output = convert(corpus / "image" / "icc-rgb-to-gbr.jpg", tmp_path / "output.png").convert("RGB")
    red, green, blue = output.getpixel((560, 60))
    assert red > 200 > max(green, blue)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_broken_is_told_apart(corpus, tmp_path, name):
    with pytest.raises(REFUSED[name]):
        convert(corpus / "broken" / name, tmp_path / "output.png")


@pytest.mark.parametrize("name", ["gif-named.jpg", "jpeg-named.heic", "webp-named.jpeg", "polyglot-jpeg-mp3.mp3"])
def test_a_name_does_not_matter(corpus, tmp_path, name):
    assert convert(corpus / "broken" / name, tmp_path / "output.png").size >= (1, 1)


def _is_managed(path):
    with _opened(path) as picture:
        return "icc_profile" in picture.info


def _plain(path, size):
    with _opened(path) as picture:
        picture.draft("RGB", (1000, 1000))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
        small = upright.resize(size, Image.Resampling.LANCZOS)
    return Image.alpha_composite(Image.new("RGBA", size, "white"), small)


def _opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=[sniff(path).opener])
