"""The promises for pictures, kept for files that nobody here made."""

import io
import warnings

import pytest
from PIL import Image, ImageCms, ImageOps

from penstock.domain import errors
from penstock.engines.probing.signatures import sniff
from tests.corpus import corpus_files
from tests.engines.witness import apart, tint

from .pictures import convert, distance, facts

pytestmark = [pytest.mark.media, pytest.mark.corpus]

IMAGES = {holding.path: holding.facts["image"] for holding in corpus_files() if holding.kind == "image"}
SIDEWAYS = (5, 6, 7, 8)
# Pillow tells the pages, thumbnails and depth maps of these as frames.
STILL_CONTAINERS = ("TIFF", "MPO", "HEIF")
SUFFIXES = ("jpg", "png", "webp")
SMALL = {"width": 64, "on_upscale": "clamp", "quality": 1}
# All edges: where a filter puts them is seen in every field.
HARD = {"image/orientation/g4_orientation_6.tif": 30, "image/cmyk-adobe.jpg": 24}
BEHIND = "#3070b0"
PHOTOGRAPH = 0x8769
# Title, artist, copyright, the moment it was taken, and where that is told.
CREDITS = {0x010E, 0x013B, 0x8298, 0x9003, PHOTOGRAPH}
MANY_PIXELS = 8_000_000
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
        picture = facts(corpus / path).image
        sides = {picture.size.width, picture.size.height}
        assert sides == {told["width"], told["height"]}, path
        if told["format"] not in STILL_CONTAINERS:
            assert picture.frames == (told.get("frames") or 1), path
            assert (picture.duration or 0) * 1000 == pytest.approx(told.get("animation_ms") or 0, abs=1), path


def test_pictures_held_sideways_are_measured_upright(corpus):
    for path, told in IMAGES.items():
        if told.get("exif_orientation") in SIDEWAYS and told["format"] == "JPEG":
            assert facts(corpus / path).image.size.width == told["height"], path


@pytest.mark.parametrize("path", IMAGES)
def test_a_picture_becomes_a_thumbnail_that_looks_like_it(path, corpus, tmp_path):
    for suffix in SUFFIXES if IMAGES[path]["width"] * IMAGES[path]["height"] < MANY_PIXELS else SUFFIXES[:1]:
        output = convert(corpus / path, tmp_path / f"output.{suffix}", **SMALL, background=BEHIND)
        plain = _managed(corpus / path, output.size)
        assert not {"icc_profile", "xmp"} & set(output.info), suffix
        assert not _told(output) - CREDITS, suffix
        assert apart(_laid(output), _laid(plain)) <= HARD.get(path, 14), suffix
        assert tint(_laid(output), _laid(plain)) <= 3, suffix
        assert suffix == "jpg" or _alpha(output) == pytest.approx(_alpha(plain), abs=20), suffix


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


def _told(picture):
    """The tags of its EXIF."""
    exif = picture.getexif()
    return {*exif, *exif.get_ifd(PHOTOGRAPH)}


def _managed(path, size):
    """The picture as a viewer that knows of colours shows it, small, with its alpha."""
    with _opened(path) as picture:
        picture.draft(picture.mode, (1000, 1000))
        upright = ImageOps.exif_transpose(picture)
        lit = _gammaless(_eight_bits(upright), picture.info.get("gamma"))
        small = _srgb(lit, upright.info.get("icc_profile")).convert("RGB")
        if upright.has_transparency_data:
            small.putalpha(_seen_through(upright))
    return small.convert("RGBA").resize(size, Image.Resampling.BOX)


def _seen_through(picture):
    if picture.mode.startswith("I"):
        hole = picture.info["transparency"]
        return picture.convert("I").point([255 * (value != hole) for value in range(65_536)], "L")
    return picture.convert("RGBA").getchannel("A")


def _eight_bits(picture):
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    plain = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "1": "L", "LA": "L"}
    return picture.convert(plain.get(picture.mode, picture.mode))


def _srgb(picture, profile):
    if (picture.mode != "LAB" and not profile) or (picture.mode == "RGB" and _is_grey(profile)):
        return picture
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
    intent, compensated = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    wanted = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(picture, given, wanted, intent, outputMode="RGB", flags=compensated)


def _is_grey(profile):
    return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "GRAY"


def _gammaless(picture, gamma):
    """PngSuite's pictures are of linear light."""
    if gamma != 1:
        return picture
    return picture.point([round(255 * (value / 255) ** (1 / 2.2)) for value in range(256)] * len(picture.getbands()))


def _laid(picture):
    canvas = Image.new("RGBA", picture.size, BEHIND)
    canvas.alpha_composite(picture.convert("RGBA"))
    return canvas.convert("RGB")


def _alpha(picture):
    return list(picture.convert("RGBA").getchannel("A").resize((8, 8), Image.Resampling.BOX).tobytes())


def _opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=[sniff(path).format_name])
