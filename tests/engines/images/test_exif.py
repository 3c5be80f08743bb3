"""Title, artist, copyright and date are kept; the camera and all other metadata are not."""

import pytest
from PIL import Image, PngImagePlugin

from penstock.engines.images.exif import exif_bytes, read_tags

from .sample_images import convert, photo

pytestmark = pytest.mark.media

TAGS = {"title": "Ein Tag", "artist": "Žofie Müller", "copyright": "© ZM", "date": "2026:01:02 03:04:05"}
TITLE, MAKER, ARTIST = 0x010E, 0x010F, 0x013B
EXIF_IFD, DATE_TIME, SERIAL, GPS_IFD = 0x8769, 0x9003, 0xA431, 0x8825
WITH_TAGS = ["jpg", "png", "webp"]


@pytest.fixture
def tags_of(tmp_path):
    """The tags of the output of an image that was saved with these options."""

    def make(given, suffix, **options):
        path = tmp_path / f"input.{given}"
        photo().save(path, **options)
        return read_tags(convert(path, tmp_path / f"output.{suffix}", width=100))

    return make


@pytest.mark.parametrize("suffix", WITH_TAGS)
@pytest.mark.parametrize("given", [*WITH_TAGS, "avif"])
def test_tags_are_kept(tags_of, given, suffix):
    assert tags_of(given, suffix, exif=exif_bytes(TAGS)) == TAGS


def test_tags_of_a_tiff_are_kept(tags_of):
    assert tags_of("tiff", "jpg", tiffinfo={ARTIST: "Žofie".encode()}) == {"artist": "Žofie"}


def test_a_format_without_tags_is_written_without(tags_of):
    assert tags_of("jpg", "gif", exif=exif_bytes(TAGS)) == {}


def test_text_chunks_of_a_png_become_tags(tags_of):
    words = PngImagePlugin.PngInfo()
    words.add_itxt("Title", "Ein Tag")
    words.add_text("Author", "ZM")
    words.add_text("Software", "Painter 4711")
    assert tags_of("png", "jpg", pnginfo=words) == {"title": "Ein Tag", "artist": "ZM"}


def test_the_default_title_of_a_camera_is_dropped(tags_of):
    exif = Image.Exif()
    exif[TITLE], exif[MAKER], exif[ARTIST] = "OLYMPUS DIGITAL CAMERA", "OLYMPUS IMAGING CORP.", "ZM"
    assert tags_of("jpg", "jpg", exif=exif) == {"artist": "ZM"}


@pytest.mark.parametrize("taken", ["    :  :     :  :  ", "yesterday", "2026:01:02 03:04:05 at home"])
def test_an_invalid_date_is_dropped(tags_of, taken):
    assert tags_of("jpg", "jpg", exif=exif_bytes({"date": taken})) == {}


def test_all_other_metadata_is_dropped(tmp_path):
    exif = Image.Exif()
    exif[ARTIST], exif[MAKER], exif[GPS_IFD] = "ZM", "Maker of cameras", {1: "N", 2: (52.0, 31.0, 0.0)}
    exif.get_ifd(EXIF_IFD).update({SERIAL: "4711", DATE_TIME: "2026:01:02 03:04:05"})
    photo().save(tmp_path / "input.jpg", exif=exif)
    kept = convert(tmp_path / "input.jpg", tmp_path / "output.jpg").getexif()
    assert (set(kept), dict(kept.get_ifd(EXIF_IFD))) == ({ARTIST, EXIF_IFD}, {DATE_TIME: "2026:01:02 03:04:05"})


def test_an_animation_keeps_its_tags(tmp_path):
    frames = {"save_all": True, "append_images": [photo().rotate(180)], "duration": 90}
    photo().save(tmp_path / "input.webp", exif=exif_bytes(TAGS), **frames)
    output = convert(tmp_path / "input.webp", tmp_path / "output.webp")
    assert (output.n_frames, read_tags(output)) == (2, TAGS)
