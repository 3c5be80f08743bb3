"""Truncated, damaged and too large images, and files that are no images, have different errors."""

import struct
import zlib

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.engines.images.image_probe import decode_image, probe_image
from penstock.engines.probing.signatures import sniff

from .sample_images import convert, facts, photo

pytestmark = pytest.mark.media


@pytest.fixture
def cut(tmp_path):
    def make(suffix, share):
        path = tmp_path / f"input.{suffix}"
        photo().save(path)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return make


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp"])
def test_half_an_image_is_truncated(cut, tmp_path, suffix):
    with pytest.raises(errors.InputTruncated):
        convert(cut(suffix, 0.5), tmp_path / "output.png")
    assert not (tmp_path / "output.png").exists()


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tiff"])
def test_the_size_is_probed_from_the_first_bytes(cut, suffix):
    assert facts(cut(suffix, 0.9)).image.size.width == 320


def test_decoding_finds_damage_that_a_probe_does_not(cut):
    path = cut("png", 0.5)
    with pytest.raises(errors.InputTruncated):
        decode_image(str(path), "png", "PNG", Limits())


def test_damaged_pixels_are_unreadable(tmp_path):
    path = tmp_path / "input.png"
    _png(path, 10, 10, b"\0garbage that no decoder takes")
    with pytest.raises(errors.InputError):
        convert(path, tmp_path / "output.png")


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (17_000, 10), (8000, 7000)])
def test_a_decompression_bomb_is_rejected_by_its_header(tmp_path, width, height):
    path = tmp_path / "input.png"
    _png(path, width, height, b"")
    with pytest.raises(errors.InputLimitsExceeded):
        facts(path)


def test_a_jpeg_may_have_twice_the_pixels(tmp_path):
    path = tmp_path / "input.jpg"
    Image.new("L", (90, 90)).save(path)
    few = Limits(image_pixels=5000)
    assert probe_image(str(path), "jpeg", "JPEG", few).image.size.width == 90
    Image.new("L", (90, 90)).save(tmp_path / "input.png")
    with pytest.raises(errors.InputLimitsExceeded):
        probe_image(str(tmp_path / "input.png"), "png", "PNG", few)


def test_only_the_forced_format_is_tried(tmp_path):
    path = tmp_path / "input.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nloop\n%%EOF\n")
    with pytest.raises(errors.InputUnreadable):
        probe_image(str(path), "jpeg", "JPEG", Limits())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tiff", "bmp", "jp2", "avif", "ico"])
def test_damage_never_raises_a_foreign_error(tmp_path, suffix):
    photo((64, 64)).save(tmp_path / f"sound.{suffix}")
    sound = (tmp_path / f"sound.{suffix}").read_bytes()
    for place in range(24, len(sound), max(1, len(sound) // 60)):
        path = tmp_path / f"input.{suffix}"
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        _convert_or_reject(path, tmp_path / "output.png")


def _convert_or_reject(path, target):
    try:
        sniff(path)
        convert(path, target)
    except (errors.InputError, errors.UpscaleNotAllowed):
        pass


def _png(path, width, height, pixels):
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(pixels)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
