"""JPEG XL: the same pixels as the image that was encoded, and no pixel of what is too large."""

import subprocess

import pillow_jxl
import pytest
from PIL import Image, ImageCms

from penstock.domain import errors
from penstock.engines import bundled_ffmpeg
from tests.engines.images.sample_images import convert, corners, facts, four_quarters, photo

pytestmark = pytest.mark.media

SIZES = [(1, 1), (7, 3), (8, 8), (64, 48), (256, 256), (257, 255), (513, 300), (1920, 1080), (9000, 2)]


def jxl(path, image, **facts):
    encoder = pillow_jxl.Encoder(mode=image.mode, lossless=True)
    path.write_bytes(encoder(image.tobytes(), *image.size, jpeg_encode=False, **facts))
    return path


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112], tags[0x010E] = orientation, "A title"
    return tags.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_lossless_one_has_the_same_pixels(mode, tmp_path):
    drawn = photo().convert(mode)
    with convert(jxl(tmp_path / "in.jxl", drawn), tmp_path / "out.png", quality=1.0) as image:
        assert image.convert("RGBA").tobytes() == drawn.convert("RGBA").tobytes()


@pytest.mark.parametrize("size", SIZES)
def test_the_size_is_read_from_the_header(size, tmp_path):
    found = facts(jxl(tmp_path / "in.jxl", Image.new("L", size, 90)))
    assert (found.image.size.width, found.image.size.height) == size


def test_a_color_profile_is_applied(tmp_path):
    drawn = Image.new("LAB", (8, 8), (140, 150, 110))
    srgb = ImageCms.createProfile("sRGB")
    expected = ImageCms.profileToProfile(drawn, ImageCms.createProfile("LAB"), srgb, outputMode="RGB").getpixel((0, 0))
    swapped = Image.new("RGB", (8, 8), expected)
    with convert(jxl(tmp_path / "in.jxl", swapped), tmp_path / "out.png", quality=1.0) as image:
        assert image.convert("RGB").getpixel((0, 0)) == pytest.approx(expected, abs=1)


def test_a_jpeg_packed_without_loss_keeps_its_orientation_and_title(tmp_path):
    four_quarters((64, 32)).save(tmp_path / "in.jpeg", quality=95, subsampling=0, exif=b"Exif\0\0" + exif(6))
    packed = tmp_path / "in.jxl"
    packed.write_bytes(
        pillow_jxl.Encoder(mode="RGB", lossless=True)((tmp_path / "in.jpeg").read_bytes(), 64, 32, jpeg_encode=True)
    )
    assert (facts(packed).image.orientation, facts(packed).tags) == (6, {"title": "A title"})
    with convert(packed, tmp_path / "out.png") as image:
        assert (image.size, corners(image)) == ((32, 64), ["blue", "red", "white", "green"])


def test_the_orientation_in_the_exif_of_another_one_is_ignored(tmp_path):
    """The codestream has its own, which the decoder applies (ISO/IEC 18181-2 §9.5)."""
    source = jxl(tmp_path / "in.jxl", four_quarters((64, 32)), exif=exif(6), xmp=None, jumb=None, compress=False)
    assert (facts(source).image.orientation, facts(source).tags) == (1, {"title": "A title"})
    with convert(source, tmp_path / "out.png") as image:
        assert (image.size, corners(image)) == ((64, 32), ["red", "green", "blue", "white"])


def test_an_animation_is_refused(tmp_path):
    source = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=0.3")
    argv = [bundled_ffmpeg(), "-v", "error", *source, "-c:v", "libjxl_anim", "-f", "image2pipe", tmp_path / "in.jxl"]
    subprocess.run(list(map(str, argv)), check=True)
    with pytest.raises(errors.InputUnreadable, match="animated"):
        facts(tmp_path / "in.jxl")


@pytest.mark.parametrize("pixels", ["ya8", "ya16le"])
def test_gray_with_alpha_is_read_from_8_and_16_bits(pixels, tmp_path):
    source = ("-f", "lavfi", "-i", f"color=c=gray@0.4:s=16x12,format=rgba,format={pixels}", "-frames:v", "1")
    argv = [bundled_ffmpeg(), "-v", "error", *source, "-update", "1", "-distance", "0", tmp_path / "in.jxl"]
    subprocess.run(list(map(str, argv)), check=True)
    with convert(tmp_path / "in.jxl", tmp_path / "out.png") as image:
        assert image.convert("LA").getextrema() == (pytest.approx((128, 128), abs=2), (102, 102))


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_cut_one_is_refused(share, tmp_path):
    whole = jxl(tmp_path / "in.jxl", photo()).read_bytes()
    (tmp_path / "cut.jxl").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(errors.InputUnreadable):
        facts(tmp_path / "cut.jxl")


def codestream(width, height):
    """The start of a large one: each side in 30 bits, after a selector."""
    bits = "".join(f"{value:0{length}b}"[::-1] for value, length in
                   ((0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30), (1, 1)))  # fmt: skip
    return b"\xff\x0a" + int(bits[::-1], 2).to_bytes(20, "little")


def boxed(content):
    signature = bytes.fromhex("0000000c 4a584c20 0d0a870a 00000014 66747970 6a786c20 00000000 6a786c20")
    return signature + (8 + len(content)).to_bytes(4) + b"jxlc" + content


@pytest.mark.parametrize("wrapped", [bytes, boxed])
def test_one_with_too_many_pixels_is_refused_before_it_is_decoded(wrapped, tmp_path, monkeypatch):
    monkeypatch.setattr(pillow_jxl, "Decoder", None)
    (tmp_path / "in.jxl").write_bytes(wrapped(codestream(16_000, 12_000)))
    with pytest.raises(errors.InputLimitsExceeded, match="16000x12000"):
        facts(tmp_path / "in.jxl")


def test_a_container_without_an_image_is_refused(tmp_path):
    (tmp_path / "in.jxl").write_bytes(boxed(b"")[:-8] + bytes(200))
    with pytest.raises(errors.InputUnreadable):
        facts(tmp_path / "in.jxl")
