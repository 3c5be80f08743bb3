"""Still images: the right size, orientation and colors, and no metadata."""

import random
import struct

import pillow_heif
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from penstock.domain import errors

from .sample_images import BLACK, GREEN, RED, convert, corners, facts, four_quarters, luma_difference, photo

pytestmark = pytest.mark.media

READABLE = ["jpg", "png", "webp", "gif", "tiff", "bmp", "jp2", "avif", "ico"]
WRITABLE = ["jpg", "png", "webp", "gif"]
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture
def source(tmp_path):
    def save(image, name, **options):
        sizes = {"sizes": [image.size]} if name.endswith(".ico") else {}
        image.save(tmp_path / name, **sizes, **options)
        return tmp_path / name

    return save


@pytest.fixture
def converted(tmp_path):
    def make(path, suffix, **options):
        return convert(path, tmp_path / f"output.{suffix}", **options)

    return make


def turned(orientation):
    """The four quarters as a camera in this orientation stores them."""
    method = TURNS[orientation]
    return four_quarters() if method is None else four_quarters().transpose(method)


def oriented(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("suffix", WRITABLE)
@pytest.mark.parametrize("given", READABLE)
def test_every_format_becomes_every_format(source, converted, given, suffix):
    output = converted(source(four_quarters(), f"input.{given}"), suffix)
    assert (output.size, corners(output)) == ((40, 20), ["red", "green", "blue", "white"])


def test_heic_becomes_jpeg(source, converted):
    pillow_heif.register_heif_opener()
    assert corners(converted(source(four_quarters(), "input.heic"), "jpg")) == ["red", "green", "blue", "white"]


def test_of_several_images_the_main_one_is_used(source, converted):
    pillow_heif.register_heif_opener()
    others = {"save_all": True, "append_images": [four_quarters()]}
    heif = source(Image.new("RGB", (40, 20), RED), "input.heic", primary_index=1, **others)
    pages = source(four_quarters(), "input.tiff", save_all=True, append_images=[Image.new("RGB", (40, 20), RED)])
    assert corners(converted(heif, "png")) == corners(converted(pages, "png")) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("given", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", TURNS)
def test_an_image_becomes_upright_without_an_orientation(source, converted, given, orientation):
    path = source(turned(orientation), f"input.{given}", exif=oriented(orientation))
    output = converted(path, "png")
    assert (output.size, corners(output)) == ((40, 20), ["red", "green", "blue", "white"])
    assert 0x0112 not in output.getexif()


def test_the_orientation_of_a_png_may_follow_its_pixels(source, converted):
    path = source(turned(6), "input.png", exif=oriented(6))
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    length = 12 + int.from_bytes(data[start : start + 4], "big")
    tags, rest = data[start : start + length], data[:start] + data[start + length :]
    path.write_bytes(rest[:-12] + tags + rest[-12:])
    assert corners(converted(path, "png")) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("orientation", TURNS)
def test_a_size_is_that_of_the_upright_image(source, converted, orientation):
    path = source(turned(orientation), "input.jpg", exif=oriented(orientation), quality=95)
    assert facts(path).image.size.width == 40
    assert corners(converted(path, "png", width=20)) == ["red", "green", "blue", "white"]


def test_one_side_keeps_the_aspect_ratio(source, converted):
    assert converted(source(photo(), "input.jpg"), "jpg", width=100).size == (100, 75)


FITS = {"contain": (60, 45), "cover": (60, 60), "fill": (60, 60), "pad": (60, 60)}


@pytest.mark.parametrize("fit", FITS)
def test_each_fit_gives_its_size(source, converted, fit):
    assert converted(source(photo(), "input.png"), "png", width=60, height=60, fit=fit).size == FITS[fit]


def test_cover_crops_around_the_center(source, converted):
    stripes = Image.new("RGB", (90, 30), RED)
    stripes.paste(GREEN, (30, 0, 60, 30))
    assert corners(converted(source(stripes, "input.png"), "png", width=20, height=20, fit="cover")) == ["green"] * 4


def test_pad_fills_with_the_background_color(source, converted):
    output = converted(
        source(Image.new("RGB", (40, 20), RED), "i.png"), "png", width=40, height=40, fit="pad", background="#000000"
    )
    assert corners(output) == ["black"] * 4
    assert output.convert("RGB").getpixel((20, 20)) == RED


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_transparency_is_kept_in_formats_that_have_it(source, converted, suffix):
    path = source(Image.new("RGBA", (20, 20), (255, 0, 0, 64)), "input.png")
    assert converted(path, suffix).convert("RGBA").getpixel((10, 10))[3] == 64


def test_transparency_is_flattened_in_formats_without_it(source, converted):
    path = source(Image.new("RGBA", (20, 20), (255, 0, 0, 0)), "input.png")
    assert corners(converted(path, "jpg")) == ["white"] * 4
    assert corners(converted(path, "jpg", background="#0000ff")) == ["blue"] * 4


def test_a_gif_pixel_is_transparent_or_opaque(source, converted):
    image = Image.new("RGBA", (20, 20), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 20))
    output = converted(source(image, "input.png"), "gif").convert("RGBA")
    assert (output.getpixel((2, 2))[3], output.getpixel((17, 2))) == (0, (255, 0, 0, 255))


def test_transparent_pixels_do_not_tint_others_when_scaled(source, converted):
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste((0, 0, 0, 255), (20, 0, 40, 40))
    small = converted(source(image, "input.png"), "png", width=10).convert("RGBA")
    assert all(pixel[:3] == BLACK for pixel in _pixels(small) if pixel[3] > 8)


def _pixels(image):
    return [image.getpixel((x, y)) for x in range(image.width) for y in range(image.height)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"])
@pytest.mark.parametrize("suffix", WRITABLE)
def test_white_stays_white_in_every_mode(source, converted, mode, suffix):
    white = {"I;16": 65_535, "I": 65_535, "F": 1.0, "LAB": (255, 128, 128), "CMYK": (0, 0, 0, 0)}.get(mode)
    image = Image.new("RGB", (8, 8), "white").convert(mode) if white is None else Image.new(mode, (8, 8), white)
    assert corners(converted(source(image, "input.tiff"), suffix)) == ["white"] * 4


def test_sixteen_bits_are_scaled_to_eight(source, converted):
    middle = converted(source(Image.new("I;16", (8, 8), 32_896), "input.png"), "png")
    assert middle.convert("L").getpixel((4, 4)) == 128


def test_a_profile_is_converted_to_srgb(source, converted):
    path = source(Image.new("LAB", (8, 8), (138, 208, 195)), "input.tiff")
    red, green, blue = converted(path, "png").convert("RGB").getpixel((4, 4))
    assert (red > 240, green < 40, blue < 40) == (True, True, True)


@pytest.mark.parametrize(("gamma", "light"), [(1.0, 188), (0.45455, 128)])
def test_the_gamma_of_a_png_is_applied(source, converted, gamma, light):
    reported = PngImagePlugin.PngInfo()
    reported.add(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    gray = source(Image.new("RGBA", (8, 8), (128, 128, 128, 100)), "input.png", pnginfo=reported)
    assert converted(gray, "webp", quality=1).getpixel((4, 4)) == (light, light, light, 100)


def test_cmyk_is_converted_before_it_is_scaled(source, converted):
    stripes = Image.new("CMYK", (64, 64), (255, 0, 0, 0))
    for column in range(0, 64, 2):
        stripes.paste((0, 0, 0, 255), (column, 0, column + 1, 64))
    assert converted(source(stripes, "input.tiff"), "png", width=16).convert("RGB").getpixel((8, 8))[0] < 10


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200])
def test_a_broken_profile_is_ignored(source, converted, profile):
    path = source(four_quarters(), "input.jpg", icc_profile=profile)
    assert corners(converted(path, "png")) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("suffix", WRITABLE)
def test_location_device_and_comment_are_removed(source, converted, suffix):
    exif = oriented(1)
    exif[0x010F], exif[0x8825] = "Maker of cameras", {1: "N", 2: (52.0, 31.0, 0.0)}
    path = source(photo(), "input.jpg", exif=exif, comment=b"a secret", icc_profile=_srgb())
    output = converted(path, suffix)
    written = (path.parent / f"output.{suffix}").read_bytes()
    assert not dict(output.getexif())
    assert not {"icc_profile", "comment", "xmp", "exif"} & set(output.info)
    assert b"Maker of cameras" not in written
    assert b"a secret" not in written


def _srgb():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_jpeg_is_progressive(source, converted):
    assert converted(source(photo(), "input.png"), "jpg").info["progressive"]


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
def test_higher_quality_is_closer_and_larger(source, converted, tmp_path, suffix):
    path = source(_noisy(), "input.bmp")
    sizes = []
    for quality in (0.2, 0.5, 0.8, 1.0):
        converted(path, suffix, quality=quality)
        sizes.append((tmp_path / f"output.{suffix}").stat().st_size)
    assert sizes == sorted(sizes)


def _noisy():
    grains = random.Random(0).randbytes(320 * 240)
    return Image.blend(photo(), Image.frombytes("L", (320, 240), grains).convert("RGB"), 0.3)


@pytest.mark.parametrize(("suffix", "quality"), [("png", 0.8), ("webp", 1.0)])
def test_lossless_formats_keep_every_pixel(source, converted, suffix, quality):
    assert converted(source(_noisy(), "i.bmp"), suffix, quality=quality).convert("RGB").tobytes() == _noisy().tobytes()


def test_few_colors_stay_a_palette(source, converted):
    assert converted(source(four_quarters().convert("P"), "input.gif"), "png").mode == "P"


def test_a_palette_with_transparency_keeps_it(source, converted):
    image = Image.new("P", (20, 20), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(0, (0, 0, 10, 20))
    output = converted(source(image, "input.png", transparency=0), "png").convert("RGBA")
    assert (output.getpixel((2, 2))[3], output.getpixel((17, 2))) == (0, (255, 0, 0, 255))


def test_a_large_jpeg_is_scaled_as_if_decoded_whole(source, converted):
    large = photo((1600, 1200))
    output = converted(source(large, "input.jpg", quality=95), "png", width=100)
    assert luma_difference(output, large) <= 2


def test_an_image_of_one_pixel_is_converted(source, converted):
    for suffix in WRITABLE:
        assert converted(source(Image.new("RGB", (1, 1), RED), "input.png"), suffix).size == (1, 1)


def test_an_image_is_never_upscaled(source, converted):
    with pytest.raises(errors.UpscaleNotAllowed):
        converted(source(photo(), "input.jpg"), "jpg", width=321)
