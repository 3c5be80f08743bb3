"""Images of the corpus: their facts, thumbnails and errors."""

import io
import warnings

import pytest
from PIL import Image, ImageCms, ImageOps

from penstock.domain import errors
from penstock.engines.probing.signatures import sniff
from tests.corpus import corpus_files
from tests.engines.independent_decoder import color_difference, max_difference

from .sample_images import convert, facts, luma_difference

pytestmark = [pytest.mark.media, pytest.mark.corpus]

IMAGES = {corpus_file.path: corpus_file.facts["image"] for corpus_file in corpus_files() if corpus_file.kind == "image"}
SIDEWAYS = (5, 6, 7, 8)
# Pillow counts pages, thumbnails and depth maps of these as frames.
STILL_CONTAINERS = ("TIFF", "MPO", "HEIF")
SUFFIXES = ("jpg", "png", "webp")
SMALL = {"width": 64, "on_upscale": "clamp", "quality": 1}
# Full of edges: their positions after scaling change every block.
HARD = {"image/orientation/g4_orientation_6.tif": 30, "image/cmyk-adobe.jpg": 24}
BACKGROUNDS = "#3070b0"
PHOTOGRAPH = 0x8769
# EXIF tags of title, artist, copyright and date.
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
    for path, reported in IMAGES.items():
        image = facts(corpus / path).image
        sides = {image.size.width, image.size.height}
        assert sides == {reported["width"], reported["height"]}, path
        if reported["format"] not in STILL_CONTAINERS:
            assert image.frames == (reported.get("frames") or 1), path
            assert (image.duration or 0) * 1000 == pytest.approx(reported.get("animation_ms") or 0, abs=1), path


def test_sizes_are_those_of_the_upright_image(corpus):
    for path, reported in IMAGES.items():
        if reported.get("exif_orientation") in SIDEWAYS and reported["format"] == "JPEG":
            assert facts(corpus / path).image.size.width == reported["height"], path


@pytest.mark.parametrize("path", IMAGES)
def test_a_thumbnail_looks_like_its_image(path, corpus, tmp_path):
    for suffix in SUFFIXES if IMAGES[path]["width"] * IMAGES[path]["height"] < MANY_PIXELS else SUFFIXES[:1]:
        output = convert(corpus / path, tmp_path / f"output.{suffix}", **SMALL, background=BACKGROUNDS)
        plain = _managed(corpus / path, output.size)
        assert not {"icc_profile", "xmp"} & set(output.info), suffix
        assert not _told(output) - CREDITS, suffix
        assert max_difference(_laid(output), _laid(plain)) <= HARD.get(path, 14), suffix
        assert color_difference(_laid(output), _laid(plain)) <= 3, suffix
        assert suffix == "jpg" or _alpha(output) == pytest.approx(_alpha(plain), abs=20), suffix


def test_all_eight_orientations_give_the_same_image(corpus, tmp_path):
    folder = corpus / "image" / "orientation"
    upright = convert(folder / "Landscape_1.jpg", tmp_path / "1.png", width=300)
    for place in range(2, 9):
        assert luma_difference(convert(folder / f"Landscape_{place}.jpg", tmp_path / "n.png", width=300), upright) < 16


def test_a_profile_that_swaps_the_colors_is_applied(corpus, tmp_path):
    output = convert(corpus / "image" / "icc-rgb-to-gbr.jpg", tmp_path / "output.png").convert("RGB")
    red, green, blue = output.getpixel((560, 60))
    assert red > 200 > max(green, blue)


@pytest.mark.parametrize("name", REFUSED)
def test_broken_images_have_their_error_codes(corpus, tmp_path, name):
    with pytest.raises(REFUSED[name]):
        convert(corpus / "broken" / name, tmp_path / "output.png")


@pytest.mark.parametrize("name", ["gif-named.jpg", "jpeg-named.heic", "webp-named.jpeg", "polyglot-jpeg-mp3.mp3"])
def test_the_file_name_does_not_matter(corpus, tmp_path, name):
    assert convert(corpus / "broken" / name, tmp_path / "output.png").size >= (1, 1)


def _told(image):
    """The tags of its EXIF."""
    exif = image.getexif()
    return {*exif, *exif.get_ifd(PHOTOGRAPH)}


def _managed(path, size):
    """The image as a color-managed viewer shows it, small, with its alpha."""
    with _opened(path) as image:
        image.draft(image.mode, (1000, 1000))
        upright = ImageOps.exif_transpose(image)
        lit = _gammaless(_eight_bits(upright), image.info.get("gamma"))
        small = _srgb(lit, upright.info.get("icc_profile")).convert("RGB")
        if upright.has_transparency_data:
            small.putalpha(_seen_through(upright))
    return small.convert("RGBA").resize(size, Image.Resampling.BOX)


def _seen_through(image):
    if image.mode.startswith("I"):
        hole = image.info["transparency"]
        return image.convert("I").point([255 * (value != hole) for value in range(65_536)], "L")
    return image.convert("RGBA").getchannel("A")


def _eight_bits(image):
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    plain = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "1": "L", "LA": "L"}
    return image.convert(plain.get(image.mode, image.mode))


def _srgb(image, profile):
    if (image.mode != "LAB" and not profile) or (image.mode == "RGB" and _is_grey(profile)):
        return image
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
    intent, compensated = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    wanted = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, given, wanted, intent, outputMode="RGB", flags=compensated)


def _is_grey(profile):
    return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "GRAY"


def _gammaless(image, gamma):
    """The images of PngSuite are in linear light."""
    if gamma != 1:
        return image
    return image.point([round(255 * (value / 255) ** (1 / 2.2)) for value in range(256)] * len(image.getbands()))


def _laid(image):
    canvas = Image.new("RGBA", image.size, BACKGROUNDS)
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas.convert("RGB")


def _alpha(image):
    return list(image.convert("RGBA").getchannel("A").resize((8, 8), Image.Resampling.BOX).tobytes())


def _opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=[sniff(path).format_name])
