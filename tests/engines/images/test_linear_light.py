"""PFM, PHM, Radiance HDR and OpenEXR: numbers of light become sRGB. Each expected value is computed here."""

import math
import struct
import subprocess

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.engines import bundled_ffmpeg
from tests.engines.images.sample_images import convert, facts

pytestmark = pytest.mark.media

LIGHT = (0.0, 0.001, 0.0031308, 0.02, 0.18, 0.5, 0.9, 1.0, 2.5, math.inf, -1.0, math.nan)
WIDTH = len(LIGHT)


def srgb(light):
    """IEC 61966-2-1, with what is outside of 0 to 1 clipped."""
    if not light > 0:
        return 0
    light = min(light, 1.0)
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))


def pfm(path, rows, order="<", number="f"):
    """Rows of (red, green, blue), the first at the top; the file begins with the last. A PHM for numbers of 16 bits."""
    numbers = [channel for row in reversed(rows) for pixel in row for channel in pixel]
    scale = "-1.0" if order == "<" else "1.0"
    path.write_bytes(
        f"P{'F' if number == 'f' else 'H'}\n{len(rows[0])} {len(rows)}\n{scale}\n".encode()
        + struct.pack(f"{order}{len(numbers)}{number}", *numbers)
    )
    return path


def radiance(path, pixels):
    """One line of (red, green, blue), without run lengths: three mantissas and one exponent a pixel."""
    body = b""
    for pixel in pixels:
        mantissa, exponent = math.frexp(max(pixel))
        scale = mantissa * 256 / max(pixel) if max(pixel) else 0
        body += bytes([*(int(channel * scale) for channel in pixel), exponent + 128 if scale else 0])
    path.write_bytes(b"#?RGBE\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=1.0\n\n-Y 1 +X %d\n" % len(pixels) + body)
    return path


def exr(path, number="f", **channels):
    """One line of numbers of 32 (f) or 16 bits (e) for each channel, not compressed (OpenEXR file layout)."""
    width = len(next(iter(channels.values())))
    names = sorted(channels)
    listed = (
        b"".join(name.encode() + b"\0" + struct.pack("<iiii", {"e": 1, "f": 2}[number], 0, 1, 1) for name in names)
        + b"\0"
    )
    window = struct.pack("<4i", 0, 0, width - 1, 0)
    attributes = [
        (b"channels", b"chlist", listed),
        (b"compression", b"compression", b"\0"),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", b"\0"),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", bytes(8)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    ]
    header = b"v/1\1\2\0\0\0" + b"".join(
        name + b"\0" + kind + b"\0" + struct.pack("<I", len(value)) + value for name, kind, value in attributes
    )
    line = b"".join(struct.pack(f"<{width}{number}", *channels[name]) for name in names)
    table = struct.pack("<Q", len(header) + 1 + 8)
    path.write_bytes(header + b"\0" + table + struct.pack("<iI", 0, len(line)) + line)
    return path


def pixels_of(path, tmp_path, mode="RGB"):
    with convert(path, tmp_path / "out.png").convert(mode) as image:
        return [image.getpixel((x, 0)) for x in range(image.width)]


@pytest.mark.parametrize("number", ["f", "e"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pfm_or_phm_becomes_srgb(order, number, tmp_path):
    source = pfm(tmp_path / "in", [[(light, light, 0.0) for light in LIGHT]], order, number)
    for light, (red, green, blue) in zip(LIGHT, pixels_of(source, tmp_path), strict=True):
        assert red == green == pytest.approx(srgb(light), abs=1)
        assert blue == 0


def test_the_rows_of_a_pfm_go_upwards(tmp_path):
    source = pfm(tmp_path / "in.pfm", [[(1.0, 0.0, 0.0)], [(0.0, 0.0, 1.0)]])
    with convert(source, tmp_path / "out.png").convert("RGB") as image:
        assert [image.getpixel((0, y)) for y in (0, 1)] == [(255, 0, 0), (0, 0, 255)]


def test_a_radiance_picture_becomes_srgb(tmp_path):
    lights = [light for light in LIGHT if math.isfinite(light) and light >= 0]
    source = radiance(tmp_path / "in.hdr", [(light, light / 2, light / 4) for light in lights])
    for light, pixel in zip(lights, pixels_of(source, tmp_path), strict=True):
        # The mantissa of the weakest channel has six bits: up to 1.6% of its light.
        assert pixel == pytest.approx([srgb(light), srgb(light / 2), srgb(light / 4)], abs=2)


@pytest.mark.parametrize("number", ["f", "e"])
def test_an_exr_becomes_srgb(number, tmp_path):
    source = exr(tmp_path / "in.exr", number, R=LIGHT, G=[0.18] * WIDTH, B=LIGHT[::-1])
    for x, pixel in enumerate(pixels_of(source, tmp_path)):
        assert pixel == pytest.approx([srgb(LIGHT[x]), srgb(0.18), srgb(LIGHT[-1 - x])], abs=1)


def test_the_colors_of_an_exr_are_divided_by_its_alpha(tmp_path):
    source = exr(tmp_path / "in.exr", R=[0.09, 0.18, 0.0], G=[0.0] * 3, B=[0.5, 1.0, 0.0], A=[0.5, 1.0, 0.0])
    half, full, nothing = pixels_of(source, tmp_path, "RGBA")
    assert half == pytest.approx((srgb(0.18), 0, 255, 128), abs=1)
    assert full == pytest.approx((srgb(0.18), 0, 255, 255), abs=1)
    assert nothing[3] == 0


def test_a_gray_exr_stays_gray(tmp_path):
    source = exr(tmp_path / "in.exr", Y=[0.18, 1.0])
    assert facts(source).image.mode == "L"
    assert pixels_of(source, tmp_path, "L") == pytest.approx([srgb(0.18), 255], abs=1)


@pytest.mark.parametrize("number", ["f", "e"])
def test_a_gray_exr_keeps_its_alpha(number, tmp_path):
    source = exr(tmp_path / "in.exr", number, Y=[0.09, 1.0], A=[0.5, 1.0])
    assert facts(source).image.mode == "LA"
    half, full = pixels_of(source, tmp_path, "LA")
    assert (half, full) == (pytest.approx((srgb(0.18), 128), abs=1), (255, 255))


@pytest.mark.parametrize("options", [("-compression", "zip16"), ("-compression", "rle", "-format", "half")])
def test_a_compressed_exr_has_the_pixels_of_a_plain_one(options, media, tmp_path):
    compressed = tmp_path / "in.exr"
    argv = [bundled_ffmpeg(), "-v", "error", "-i", media("light.exr"), *options, "-update", "1", compressed]
    subprocess.run(list(map(str, argv)), check=True)
    with convert(media("light.exr"), tmp_path / "a.png") as plain, convert(compressed, tmp_path / "b.png") as other:
        assert max(abs(a - b) for a, b in zip(plain.tobytes(), other.tobytes(), strict=True)) <= 1


def test_a_phm_of_ffmpeg_has_the_pixels_of_a_pfm_upside_down(media, tmp_path):
    """ffmpeg writes its rows from the top to the bottom, and reads them as all programs do, from the bottom."""
    floats, halves = (
        convert(media(f"light.{kind}"), tmp_path / f"{kind}.png").convert("RGB") for kind in ("pfm", "phm")
    )
    upright = halves.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    assert max(abs(a - b) for a, b in zip(floats.tobytes(), upright.tobytes(), strict=True)) <= 1


@pytest.mark.parametrize("name", ["light.pfm", "light.phm", "light.exr"])
def test_a_cut_one_is_refused_as_truncated(name, media, tmp_path):
    cut = tmp_path / name
    cut.write_bytes(media(name).read_bytes()[:-500])
    with pytest.raises(errors.InputTruncated):
        convert(cut, tmp_path / "out.png")


def test_an_exr_with_subsampled_channels_is_refused_as_not_supported(tmp_path):
    source = exr(tmp_path / "in.exr", Y=[0.5, 0.5])
    full, half = (struct.pack("<iiii", 2, 0, step, step) for step in (1, 2))
    source.write_bytes(source.read_bytes().replace(full, half))
    with pytest.raises(errors.InputUnreadable, match="does not support"):
        convert(source, tmp_path / "out.png")


def test_a_cut_radiance_picture_is_refused(media, tmp_path):
    cut = tmp_path / "in.hdr"
    cut.write_bytes(media("light.hdr").read_bytes()[:-500])
    with pytest.raises(errors.InputUnreadable):
        convert(cut, tmp_path / "out.png")


LYING = {
    "in.pfm": b"PF\n99999 99999\n-1.0\n",
    "in.phm": b"Ph\n99999 99999\n-1.0\n",
    "in.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 99999 +X 99999\n",
    "in.tga": bytes.fromhex("000002 0000000000 00000000 ffffffff 1820"),
}


@pytest.mark.parametrize(("name", "head"), LYING.items())
def test_a_header_with_too_many_pixels_is_refused_before_anything_is_decoded(name, head, tmp_path):
    (tmp_path / name).write_bytes(head + bytes(100))
    with pytest.raises(errors.InputLimitsExceeded):
        facts(tmp_path / name)


def test_an_exr_with_too_many_pixels_is_refused(tmp_path):
    source = exr(tmp_path / "in.exr", Y=[0.5, 0.5])
    large = struct.pack("<4i", 0, 0, 99_999, 99_999)
    source.write_bytes(source.read_bytes().replace(struct.pack("<4i", 0, 0, 1, 0), large))
    with pytest.raises(errors.InputLimitsExceeded):
        facts(source)


def targa(path, depth, alpha_bits, pixels):
    header = bytes([0, 0, 2, *bytes(9), 2, 0, 1, 0, depth, 0x20 | alpha_bits])
    path.write_bytes(header + pixels)
    return path


@pytest.mark.parametrize("pixels", [bytes.fromhex("00fc 1f00"), bytes.fromhex("007c 1f80")])
def test_the_attribute_bit_of_a_targa_hides_nothing(pixels, tmp_path):
    source = targa(tmp_path / "in.tga", 16, 1, pixels)
    assert pixels_of(source, tmp_path, "RGBA") == [(255, 0, 0, 255), (0, 0, 255, 255)]


def test_a_targa_with_an_empty_alpha_channel_is_opaque(tmp_path):
    source = targa(tmp_path / "in.tga", 32, 0, bytes.fromhex("0000ff00 ff000000"))
    assert pixels_of(source, tmp_path, "RGBA") == [(255, 0, 0, 255), (0, 0, 255, 255)]


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("rle", [False, True])
def test_each_kind_of_targa_is_read(mode, rle, tmp_path):
    drawn = Image.linear_gradient("L").resize((30, 20)).convert("RGB").convert(mode)
    drawn.save(tmp_path / "in.tga", rle=rle)
    with convert(tmp_path / "in.tga", tmp_path / "out.png") as image:
        assert image.convert("RGBA").tobytes() == drawn.convert("RGBA").tobytes()
