"""Stills in old and rare formats: the pixels that were written, and nothing of files that are cut or too large. Each is
decoded in the jail."""

import re
import struct
import subprocess
from contextlib import suppress
from functools import partial

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.engines import bundled_ffmpeg, probe
from penstock.engines.images.icc_profiles import declared_profile
from penstock.engines.images.image_probe import load_frame
from penstock.engines.images.opening import open_image
from penstock.engines.probing.signatures import sniff
from tests.engines.conversions import convert
from tests.engines.images import still_files as files
from tests.engines.images.test_color_profiles import P3, coded

pytestmark = pytest.mark.media

DAMAGED = (errors.InputTruncated, errors.InputUnreadable)

STILLS = {
    "a Sun raster": ("sunrast", files.sunrast_raw),
    "a Sun raster with a palette and run lengths": ("sunrast", files.sunrast_palette),
    "a Sun raster in black and white": ("sunrast", files.sunrast_bits),
    "an X bitmap": ("xbm", files.xbm),
    "an X pixmap": ("xpm", files.xpm),
    "an X pixmap of two letters a pixel": ("xpm", partial(files.xpm, ("aa", "ab", "/*", " #"))),
    "an X window dump": ("xwd", files.xwd),
    "an X window dump with a palette": ("xwd", files.xwd_palette),
    "a PAM with alpha": ("pam", files.pam),
    "a PAM of 16 bits": ("pam", partial(files.pam, "RGB", 65_535)),
    "a gray PAM": ("pam", partial(files.pam, "GRAYSCALE")),
    "a PGX": ("pgx", files.pgx),
    "a PGX of 12 bits": ("pgx", partial(files.pgx, 12)),
    "a PGX of signed numbers": ("pgx", partial(files.pgx, 12, "-")),
    "a QuickDraw picture with a palette": ("pict", files.pict_palette),
    "a QuickDraw picture of 32 bits": ("pict", files.pict_direct),
    "a Pictor picture": ("pictor", files.pictor),
    "a GEM image": ("gem", files.gem),
    "a GEM image in colors": ("gem", files.gem_colors),
    "a Vizrt image": ("vbn", files.vbn),
    "a Vizrt image with alpha": ("vbn", partial(files.vbn, "RGBA")),
    "a Cintel picture": ("cri", files.cri),
    "an ILBM": ("ilbm", files.ilbm),
    "an ILBM of 24 planes": ("ilbm", files.ilbm_deep),
    "an ILBM that holds and modifies": ("ilbm", files.ilbm_ham),
    "an ILBM of half brightness": ("ilbm", files.ilbm_half_bright),
    "a PBM of Deluxe Paint": ("ilbm", files.pbm),
    "a FITS": ("fits", files.fits),
    "a FITS in colors": ("fits", files.fits_colors),
    "a BRender picture": ("brender", files.brender),
    "a BRender picture with alpha": ("brender", partial(files.brender, "RGBA")),
    "a RenderWare texture": ("txd", files.txd_palette),
    "a compressed RenderWare texture": ("txd", files.txd_compressed),
    "a Photoshop document": ("psd", files.psd),
    "a Photoshop document with alpha": ("psd", partial(files.psd, "RGBA")),
    "a Photoshop document in gray": ("psd", partial(files.psd, "L")),
    "a Photoshop document of 16 bits": ("psd", partial(files.psd, "RGB", 16)),
    "a Photoshop document with a palette": ("psd", files.psd_palette),
    "a picture of Paint 1": ("msp", files.msp),
    "a picture of Paint 2": ("msp", files.msp_packed),
}
# The options of the encoder, and the format of its pixels.
ENCODED = {
    "in.ras": ("sunrast", "bgr24"),
    "in.xwd": ("xwd", "rgb24"),
    "in.pam": ("pam", "rgba"),
    "in.vbn": ("vbn", "rgba -format raw"),
    "in.jls": ("jpegls", "rgb24"),
    "gray.jls": ("jpegls", "gray"),
    "deep.jls": ("jpegls", "gray16le"),
    "in.dpx": ("dpx", "rgb24"),
    "alpha.dpx": ("dpx", "rgba"),
    "gray.dpx": ("dpx", "gray"),
    "deep-gray.dpx": ("dpx", "gray16be"),
    "ten.dpx": ("dpx", "gbrp10be"),
    "twelve.dpx": ("dpx", "gbrp12le"),
    "sixteen.dpx": ("dpx", "rgb48le"),
    "in.fits": ("fits", "gbrp"),
    "deep.fits": ("fits", "gbrap16be"),
}
# How width and height are written, by container.
SIDES = {
    **dict.fromkeys(("sunrast", "xwd"), ">2I"),
    **dict.fromkeys(("gem", "ilbm", "brender"), ">2H"),
    **dict.fromkeys(("vbn", "cri"), "<2I"),
    **dict.fromkeys(("pictor", "txd", "msp"), "<2H"),
}


@pytest.fixture
def shown(tmp_path, tools):
    """The pixels of a PNG that a file becomes."""

    def pixels(content, size=None):
        (tmp_path / "in").write_bytes(content)
        converted = convert(tmp_path / "in", "png", tmp_path, tools, quality=1.0)
        with Image.open(converted.path) as image:
            assert size is None or image.size == size
            return image.convert("RGBA")

    return pixels


@pytest.mark.parametrize(("container", "written"), STILLS.values(), ids=STILLS)
def test_each_still_has_the_pixels_that_were_written(container, written, shown, tmp_path, tools):
    content, image = written()
    assert shown(content, image.size).tobytes() == image.convert("RGBA").tobytes()
    assert probe(tmp_path / "in", tools).container == container


@pytest.mark.parametrize(("name", "encoder"), ENCODED.items())
def test_each_still_of_ffmpeg_has_the_pixels_that_were_encoded(name, encoder, shown, tmp_path):
    gray, mode = encoder[1].startswith("gray"), "RGBA" if "a" in encoder[1].split()[0].replace("gray", "") else "RGB"
    drawn = files.drawn("L" if gray else mode).resize((67, 45))
    found = shown(encoded(drawn, tmp_path / name, *encoder), drawn.size).tobytes()
    assert max(abs(a - b) for a, b in zip(found, drawn.convert("RGBA").tobytes(), strict=True)) <= 1


def encoded(image, path, codec, pixels):
    given = {"L": "gray", "RGB": "rgb24", "RGBA": "rgba"}[image.mode]
    size = "{}x{}".format(*image.size)
    source = ("-f", "rawvideo", "-pix_fmt", given, "-video_size", size, "-i", "-")
    # Exact conversions of the bits, without dithering.
    output = ("-sws_flags", "accurate_rnd+full_chroma_int", "-sws_dither", "none", "-c:v", codec, "-pix_fmt")
    argv = [bundled_ffmpeg(), "-v", "error", *source, *output, *pixels.split(), "-frames:v", "1", path]
    subprocess.run(list(map(str, argv)), input=image.tobytes(), check=True)
    return path.read_bytes()


def test_an_x_bitmap_of_ffmpeg_is_read(media, tmp_path, tools):
    converted = convert(media("picture.xbm"), "png", tmp_path, tools)
    with Image.open(converted.path) as image:
        assert set(image.convert("L").get_flattened_data()) == {0, 255}


@pytest.mark.parametrize("compressed", ["dxt1", "dxt5"])
def test_a_compressed_vizrt_image_is_read(compressed, shown, tmp_path):
    drawn = Image.new("RGBA", (16, 8), (248, 0, 248, 255))
    content = encoded(drawn, tmp_path / "in.vbn", "vbn", f"rgba -format {compressed}")
    assert shown(content).getpixel((9, 3)) == pytest.approx((248, 0, 248, 255), abs=8)


@pytest.mark.parametrize("written", [written for _, written in STILLS.values()], ids=STILLS)
def test_a_cut_still_is_refused(written, shown):
    content = written()[0].rstrip(b"\0")
    with pytest.raises(DAMAGED):
        shown(content[: int(0.9 * len(content))])


@pytest.mark.parametrize("written", [written for _, written in STILLS.values()], ids=STILLS)
def test_a_still_that_is_cut_anywhere_is_refused_or_lacks_nothing(written, tmp_path):
    content, _ = written()
    whole = pixels_in_this_process(tmp_path / "whole", content)
    for length in range(0, len(content), max(1, len(content) // 100)):
        with suppress(*DAMAGED):
            assert pixels_in_this_process(tmp_path / "cut", content[:length]) == whole


def pixels_in_this_process(path, content):
    path.write_bytes(content)
    with open_image(str(path), sniff(path).format_name, Limits()) as image:
        load_frame(image, image.tell())
        return image.convert("RGBA").tobytes()


def test_a_cut_still_is_refused_although_what_is_missing_would_be_as_black_as_its_palette(shown):
    content, _ = files.sunrast_palette()
    black = content[:32] + bytes(600) + content[632:]
    with pytest.raises(errors.InputTruncated):
        shown(black[:-20])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", ["in.jls", "deep.jls", "ten.dpx", "in.ras"])
def test_a_cut_still_of_ffmpeg_is_refused(name, share, shown, tmp_path):
    content = encoded(files.drawn().resize((67, 45)), tmp_path / name, *ENCODED[name])
    with pytest.raises(DAMAGED):
        shown(content[: int(share * len(content))])


@pytest.mark.parametrize(("container", "written"), STILLS.values(), ids=STILLS)
def test_a_still_with_too_many_pixels_is_refused(container, written, tmp_path, tools):
    content, image = written()
    (tmp_path / "in").write_bytes(larger(content, image.size, container))
    with pytest.raises(errors.InputLimitsExceeded, match=r"60000x60000|more pixels"):
        probe(tmp_path / "in", tools)


@pytest.mark.parametrize("name", ["in.jls", "in.dpx"])
def test_a_still_of_ffmpeg_with_too_many_pixels_is_refused(name, tmp_path, tools):
    content = encoded(files.drawn().resize((67, 45)), tmp_path / name, *ENCODED[name])
    order = {"in.jls": ">2H", "in.dpx": "<2I"}[name]
    sides = (45, 67) if name == "in.jls" else (67, 45)
    (tmp_path / "in").write_bytes(content.replace(struct.pack(order, *sides), struct.pack(order, 60_000, 60_000), 1))
    with pytest.raises(errors.InputLimitsExceeded, match="60000x60000"):
        probe(tmp_path / "in", tools)


def larger(content, size, container):
    """The same file, but for the sides in its header."""
    if container in ("pict", "psd"):
        order = {"pict": ">2H", "psd": ">2I"}[container]
        return content.replace(struct.pack(order, *size[::-1]), struct.pack(order, 60_000, 60_000), 1)
    if order := SIDES.get(container):
        changed = content.replace(struct.pack(order, *size), struct.pack(order, 60_000, 60_000), 1)
        return files.with_checksum(changed) if container == "msp" else changed
    if container == "fits":
        for side in size:
            content = content.replace(b"%20d" % side, b"%20d" % 60_000, 1)
        return content
    return re.sub(rb"\b%d\b(\D+)\b%d\b" % size, rb"60000\g<1>60000", content, count=1)


@pytest.mark.parametrize(("turned", "size"), [(0, (768, 512)), (1, (512, 768))])
def test_a_photo_cd_is_read_upright_in_its_base_size(turned, size, shown):
    """Kodak's matrix: red is 1.3584 Y + 1.8215 (C2 - 137), blue is 1.3584 Y + 2.2179 (C1 - 156)."""
    image = shown(files.photo_cd(turned, y=100, first=166, second=147), size)
    red, _, blue, _ = image.getpixel((200, 300))
    assert (red, blue) == pytest.approx((135.84 + 18.2, 135.84 + 22.2), abs=1.5)


def test_a_cut_photo_cd_is_refused(shown):
    with pytest.raises(errors.InputTruncated):
        shown(files.photo_cd()[:-1000])


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ("LightSlateGrey", (119, 136, 153)),
        ("gray50", (127, 127, 127)),
        ("#0080FFFF7F00", (0, 255, 127)),
        ("#f08", (255, 0, 136)),
        ("s ground m black c red", (255, 0, 0)),
    ],
)
def test_the_colors_of_an_x_pixmap_are_known_by_many_names(color, expected, shown):
    given = color if " " in color else f"c {color}"
    content = files.xpm()[0].replace(b"c Black", given.encode())
    assert shown(content).getpixel((2, 0)) == (*expected, 255)


@pytest.mark.parametrize(
    ("before", "after"), [(b"c Black", b"c octarine"), (b"c Black", b"m black"), (b'"c c', b'"e c')]
)
def test_an_x_pixmap_with_a_color_that_is_not_known_is_refused(before, after, shown):
    with pytest.raises(errors.InputUnreadable):
        shown(files.xpm()[0].replace(before, after))


@pytest.mark.parametrize(("kind", "pixels"), [(4, 0x7C1F), (5, 0xF81F)])
def test_a_picture_of_16_bits_a_pixel_is_read(kind, pixels, shown):
    assert shown(files.brender_words(kind, pixels)).getpixel((3, 3)) == (255, 0, 255, 255)


@pytest.mark.parametrize(
    ("key", "turn"), [(105, Image.Transpose.FLIP_LEFT_RIGHT), (106, Image.Transpose.FLIP_TOP_BOTTOM)]
)
def test_a_mirrored_cintel_picture_is_shown_as_it_was(key, turn, shown):
    content, image = files.cri(files.cri_chunk(key, b"\1"))
    assert shown(content).tobytes() == image.transpose(turn).convert("RGBA").tobytes()


def test_a_jpeg_ls_is_known_after_segments_of_applications(shown, tmp_path):
    content = encoded(files.drawn(), tmp_path / "in.jls", "jpegls", "rgb24")
    segments = b"\xff\xe8\0\x06test\xff\xfe\0\x04\xff\xf7"
    assert shown(content[:2] + segments + content[2:]).tobytes() == shown(content).tobytes()


@pytest.mark.parametrize("bits", [8, 16])
def test_the_color_profile_of_a_photoshop_document_is_applied(bits, shown, tmp_path):
    with Image.open(coded(tmp_path / "coded.png", P3)) as wide:
        profile = declared_profile(wide)
    content, drawn = files.psd("RGB", bits, profile)
    drawn.save(tmp_path / "same.png", icc_profile=profile)
    expected = shown((tmp_path / "same.png").read_bytes())
    assert shown(content).tobytes() == expected.tobytes() != drawn.convert("RGBA").tobytes()


def test_a_photoshop_document_in_inks_becomes_srgb(shown):
    content, inks = files.psd("CMYK")
    found = zip(shown(content).tobytes(), inks.convert("RGBA").tobytes(), strict=True)
    assert max(abs(a - b) for a, b in found) <= 1


NOT_SUPPORTED = {
    "a PBM of odd width": partial(files.pbm, (21, 6)),
    "a QuickDraw picture with short lines": partial(files.pict_palette, (40, 5)),
    "a compressed Cintel picture": partial(files.cri, files.cri_chunk(102, b"cintel_craw")),
    "a Cintel picture of one line": partial(files.cri, size=(32, 1)),
    "a Cintel picture of 10 bits": partial(files.cri, model=45),
}


@pytest.mark.parametrize("written", NOT_SUPPORTED.values(), ids=NOT_SUPPORTED)
def test_what_would_be_shown_wrongly_is_refused(written, shown):
    with pytest.raises(errors.InputUnreadable, match="does not support"):
        shown(written()[0])


def test_a_picture_that_another_bitmap_covers_in_part_is_refused(shown):
    content, _ = files.pict_direct()
    first = content.index(struct.pack(">4H", 0, 0, 5, 80))
    with pytest.raises(errors.InputUnreadable, match="does not support"):
        shown(content[:first] + struct.pack(">4H", 0, 0, 9, 80) + content[first + 8 :])
