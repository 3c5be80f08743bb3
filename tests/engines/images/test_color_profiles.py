"""Images that declare their colors without an ICC profile are converted to sRGB."""

import struct
import subprocess

import pillow_heif
import pytest
from PIL import Image, PngImagePlugin

from penstock.engines import bundled_ffmpeg

from .sample_images import convert, facts

pytestmark = pytest.mark.media

P3, REC_2020, SRGB = 12, 9, 1
CURVE_OF_SRGB, PQ, HLG = 13, 16, 18
COLOR = (180, 100, 60)
# By the matrices of CSS Color 4, §10.
SEEN = {P3: (193, 95, 49), REC_2020: (215, 83, 48), SRGB: COLOR}
POINTS = {
    P3: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    REC_2020: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    SRGB: (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
}


def plain(color=COLOR):
    return Image.new("RGB", (64, 64), color)


def png(path, chunks, color=COLOR):
    reported = PngImagePlugin.PngInfo()
    for name, content in chunks.items():
        reported.add(name, content)
    plain(color).save(path, pnginfo=reported)
    return path


def coded(path, primaries, transfer=CURVE_OF_SRGB, color=COLOR):
    return png(path, {b"cICP": bytes((primaries, transfer, 0, 1))}, color)


def placed(path, primaries):
    chunks = {b"cHRM": struct.pack(">8I", *(round(100_000 * value) for value in POINTS[primaries]))}
    return png(path, chunks)


def heif(path, primaries):
    numbers = {"color_primaries": primaries, "transfer_characteristics": CURVE_OF_SRGB, "matrix_coefficients": 1}
    pillow_heif.from_pillow(plain()).save(path, quality=-1, full_range_flag=1, chroma=444, **numbers)
    return path


def avif(path, primaries):
    names = {P3: "smpte432", REC_2020: "bt2020", SRGB: "bt709"}
    properties = f"setparams=color_primaries={names[primaries]}:color_trc=iec61966-2-1:colorspace=bt709"
    source = f"color=0x{bytes(COLOR).hex()}:s=64x64:d=0.1,format=gbrp"
    graph = f"{source},scale=out_color_matrix=bt709,format=yuv444p,{properties}"
    words = ("-v", "error", "-f", "lavfi", "-i", graph, "-frames:v", "1", "-c:v", "libaom-av1", "-crf", "0")
    subprocess.run([str(bundled_ffmpeg()), *words, "-still-picture", "1", str(path)], check=True)
    return path


@pytest.mark.parametrize("primaries", [P3, REC_2020, SRGB])
@pytest.mark.parametrize(("make", "name"), [(coded, "a.png"), (placed, "b.png"), (heif, "c.heic"), (avif, "d.avif")])
def test_declared_primaries_are_applied(make, name, primaries, tmp_path):
    converted = convert(make(tmp_path / name, primaries), tmp_path / "output.png").convert("RGB")
    seen = zip(converted.getpixel((32, 32)), SEEN[primaries], strict=True)
    assert max(abs(found - wanted) for found, wanted in seen) <= 4


@pytest.mark.parametrize(("transfer", "paper"), [(PQ, 148), (HLG, 192)])
def test_diffuse_white_of_hdr_is_light_gray_and_its_peak_white(transfer, paper, tmp_path):
    path = coded(tmp_path / "input.png", REC_2020, transfer, (paper, paper, paper))
    assert convert(path, tmp_path / "output.png").convert("L").getpixel((32, 32)) in range(150, 225)
    path = coded(tmp_path / "input.png", REC_2020, transfer, (255, 255, 255))
    assert convert(path, tmp_path / "output.png").convert("L").getpixel((32, 32)) >= 253


@pytest.mark.parametrize("points", [bytes(32), struct.pack(">8I", *[31_270] * 8), b"\xff" * 32])
def test_invalid_primaries_are_ignored(points, tmp_path):
    path = png(tmp_path / "input.png", {b"cHRM": points})
    assert convert(path, tmp_path / "output.png").convert("RGB").getpixel((32, 32)) == COLOR


def test_an_image_of_another_color_space_has_a_profile(tmp_path):
    assert facts(coded(tmp_path / "a.png", P3)).image.profile
    assert not facts(coded(tmp_path / "b.png", SRGB)).image.profile
    assert not facts(placed(tmp_path / "c.png", SRGB)).image.profile
