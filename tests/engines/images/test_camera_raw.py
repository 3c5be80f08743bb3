"""Raw files of cameras are developed, and a TIFF stays a TIFF.

The files are made here by the structure of each kind; of CR2 and CR3 only what tells them from others."""

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.engines.probing.signatures import sniff, sniff_bytes
from tests.engines.conversions import convert as convert_in_child
from tests.engines.images.raw_files import LONG, SHORT, dng, tiff, with_sub_picture
from tests.engines.images.sample_images import convert, corners, facts, four_quarters
from tests.engines.images.test_linear_light import srgb

pytestmark = pytest.mark.media

# One is white, so that nothing is made brighter.
LIGHTS = ((1.0, 1.0, 1.0), (0.18, 0.18, 0.18), (0.5, 0.1, 0.1), (0.1, 0.5, 0.1), (0.1, 0.1, 0.5), (0.02, 0.02, 0.02))
STRIPES = [[light for light in LIGHTS for _ in range(8)]] * 16
MADE = {
    "dng": dng(STRIPES),
    "big-endian dng": dng(STRIPES, order=">"),
    "nef": with_sub_picture(b"NIKON CORPORATION", STRIPES, ">"),
    "arw": with_sub_picture(b"SONY", STRIPES),
}


def written(path, content):
    path.write_bytes(content)
    return path


def quarters(orientation):
    """A DNG of the four quarters, in light that the sensor sees."""
    image = four_quarters((32, 16))
    rows = [[image.getpixel((x, y)) for x in range(32)] for y in range(16)]
    return dng([[tuple(channel / 255 for channel in pixel) for pixel in row] for row in rows], orientation)


@pytest.mark.parametrize("name", MADE)
def test_a_raw_file_is_developed_to_srgb(name, tmp_path):
    source = written(tmp_path / "input", MADE[name])
    assert sniff(source).container == name.split()[-1]
    with convert(source, tmp_path / "out.png", quality=1.0).convert("RGB") as image:
        assert image.size == (96, 32)
        for number, light in enumerate(LIGHTS):
            expected = [srgb(channel) for channel in light]
            assert image.getpixel((16 * number + 8, 16)) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize(
    ("orientation", "size", "expected"),
    [
        (1, (64, 32), ["red", "green", "blue", "white"]),
        (3, (64, 32), ["white", "blue", "green", "red"]),
        (5, (32, 64), ["red", "blue", "green", "white"]),
        (6, (32, 64), ["blue", "red", "white", "green"]),
        (7, (32, 64), ["white", "green", "blue", "red"]),
        (8, (32, 64), ["green", "white", "red", "blue"]),
    ],
)
def test_a_raw_file_is_turned_once(orientation, size, expected, tmp_path):
    source = written(tmp_path / "in.dng", quarters(orientation))
    found = facts(source).image.size
    with convert(source, tmp_path / "out.png") as image:
        assert (image.size, corners(image), (found.width, found.height)) == (size, expected, size)


def test_a_raw_file_is_developed_in_the_jail(tmp_path, tools):
    converted = convert_in_child(written(tmp_path / "in.dng", MADE["dng"]), "jpeg", tmp_path, tools)
    assert (converted.facts.width, converted.facts.height) == (96, 32)


def test_the_tags_of_a_raw_file_are_kept(tmp_path):
    source = written(tmp_path / "in.dng", dng(STRIPES, tags={0x013B: (2, b"A photographer\0")}))
    assert facts(source).tags == {"artist": "A photographer"}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["dng", "nef"])
def test_a_cut_raw_file_is_refused(share, name, tmp_path):
    whole = MADE[name]
    source = written(tmp_path / "input", whole[: int(len(whole) * share)])
    with pytest.raises((errors.InputUnreadable, errors.InputTruncated)):
        convert(source, tmp_path / "out.png")


# The head of a lossless JPEG of 48x32 pixels with two components; only zeros follow.
EMPTY_JPEG = bytes.fromhex(
    "ffd8 ffc3000e 0e 0020 0030 02 001100 011100 ffc40017 00 00040000000000000000000000000000 00010203"
    "ffda000a 02 0000 0100 010000"
) + bytes(3000)
LYING = {
    "a sensor of 1.6 gigapixels": ({0x0100: (LONG, [40_000]), 0x0101: (LONG, [40_000])}, errors.InputLimitsExceeded),
    "more lines than there are": ({0x0101: (LONG, [16_000])}, errors.InputTruncated),
    "no width": ({0x0100: (LONG, [0])}, errors.InputUnreadable),
    "another compression": ({0x0103: (SHORT, [8])}, errors.InputUnreadable),
    "nothing in its JPEG": ({0x0103: (SHORT, [7]), 0x0111: (LONG, EMPTY_JPEG)}, errors.InputUnreadable),
}


@pytest.mark.parametrize("name", LYING)
def test_a_raw_file_that_lies_is_refused(name, tmp_path):
    tags, error = LYING[name]
    with pytest.raises(error):
        convert(written(tmp_path / "in.dng", dng(STRIPES, tags=tags)), tmp_path / "out.png")


@pytest.mark.parametrize("maker", [b"NIKON CORPORATION\0", b"SONY\0"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_a_cameras_maker_stays_a_tiff(maker, order, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "in.tiff", tiffinfo={0x010F: maker.decode().strip("\0")})
    assert sniff(tmp_path / "in.tiff").container == "tiff"
    assert sniff_bytes(tiff({0x010F: (2, maker), 0x0106: (SHORT, [2])}, order)).container == "tiff"


def test_a_raw_file_whose_tags_are_at_its_end_is_known(tmp_path):
    image = MADE["dng"]
    moved = image[:4] + (200_000).to_bytes(4, "little") + bytes(199_992) + image[8:]
    assert sniff(written(tmp_path / "input", moved)).container == "dng"


def test_cr2_and_cr3_are_known_by_their_signatures():
    assert sniff_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(100)).container == "cr2"
    assert sniff_bytes(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100)).container == "cr3"


@pytest.mark.parametrize("head", [b"II*\0\x10\0\0\0CR\2\0", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"])
def test_an_empty_cr2_or_cr3_is_refused(head, tmp_path):
    with pytest.raises(errors.InputUnreadable):
        facts(written(tmp_path / "input", head + bytes(2000)))


@pytest.mark.parametrize("start", [8, 12, 60, 2**31, 2**32 - 1])
def test_a_tag_table_anywhere_ends_the_search(start):
    loop = b"II*\0" + start.to_bytes(4, "little") + b"\xff\xff" * 2000
    assert sniff_bytes(loop).container == "tiff"
