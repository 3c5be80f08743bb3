"""A copied image keeps every pixel and loses its metadata."""

import io

import pytest
from PIL import Image, ImageChops, PngImagePlugin

from penstock.domain import errors
from penstock.engines.images.exif import read_tags
from penstock.engines.images.lossless_copy import copy_image
from penstock.engines.probing.signatures import sniff

from .sample_images import Animation, photo

NOTE = b"Serial 4711"


def _exif():
    notes = Image.Exif()
    notes[0x010F] = NOTE.decode()
    return notes


def _text():
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", NOTE.decode())
    text.add_itxt("XML:com.adobe.xmp", NOTE.decode())
    return text


NOTED = {
    "jpeg": {"exif": _exif(), "comment": NOTE, "xmp": NOTE, "quality": 90},
    "png": {"exif": _exif(), "pnginfo": _text()},
    "webp": {"exif": _exif(), "xmp": NOTE, "lossless": True},
    "gif": {"comment": NOTE},
}


@pytest.mark.parametrize("name", NOTED)
def test_every_pixel_is_kept_and_metadata_dropped(name, tmp_path):
    noted = _saved(tmp_path, name, photo(), **NOTED[name])
    assert NOTE in noted.read_bytes()
    kept = _kept(name, noted)
    assert NOTE not in kept.read_bytes()
    assert not ImageChops.difference(_shown(noted), _shown(kept)).getbbox()
    assert kept.stat().st_size < noted.stat().st_size


@pytest.mark.parametrize("name", NOTED)
def test_only_tags_are_kept(name, tmp_path):
    noted = _saved(tmp_path, name, photo(), **NOTED[name])
    kept = _kept(name, noted, artist="Žofie", date="2026:01:02 03:04:05")
    with Image.open(kept) as image:
        assert read_tags(image) == ({} if name == "gif" else {"artist": "Žofie", "date": "2026:01:02 03:04:05"})
    assert NOTE not in kept.read_bytes()
    assert _shown(kept).tobytes() == _shown(noted).tobytes()


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0}])
def test_every_common_kind_of_jpeg_is_copied(options, tmp_path):
    noted = _saved(tmp_path, "jpeg", photo(), exif=_exif(), **options)
    assert _shown(noted).tobytes() == _shown(_kept("jpeg", noted)).tobytes()


def test_data_after_a_jpeg_is_dropped(tmp_path):
    noted = _saved(tmp_path, "jpeg", photo())
    whole = noted.read_bytes()
    noted.write_bytes(whole + NOTE)
    assert _kept("jpeg", noted).read_bytes() == whole


def test_transparency_is_copied(tmp_path):
    holed = photo().convert("RGBA")
    holed.putalpha(Image.linear_gradient("L").resize(holed.size))
    for name in ("png", "webp"):
        noted = _saved(tmp_path, name, holed, exif=_exif(), **({"lossless": True} if name == "webp" else {}))
        with Image.open(_kept(name, noted)) as kept:
            assert kept.convert("RGBA").getchannel("A").tobytes() == holed.getchannel("A").tobytes(), name


@pytest.mark.parametrize("name", ["gif", "webp"])
def test_an_animation_is_copied_with_durations_and_repeats(name, tmp_path):
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "green", "blue")]
    more = {"save_all": True, "append_images": frames[1:], "duration": [100, 200, 300], "loop": 3}
    noted = _saved(tmp_path, name, frames[0], **more, **({"comment": NOTE} if name == "gif" else {"xmp": NOTE}))
    kept = _kept(name, noted, artist="ZM")
    assert Animation.of(kept) == Animation.of(noted)
    with Image.open(kept) as image:
        assert image.info["loop"] == 3
    assert NOTE not in kept.read_bytes()


@pytest.mark.parametrize("name", NOTED)
def test_a_truncated_image_is_rejected_wherever_it_ends(name, tmp_path):
    whole = _saved(tmp_path, name, photo((16, 12)), **NOTED[name]).read_bytes()
    for end in range(2, len(whole)):
        cut = tmp_path / "cut"
        cut.write_bytes(whole[:end])
        with pytest.raises(errors.InputUnreadable):
            copy_image(name, str(cut), str(tmp_path / "kept"), {})


def test_a_jpeg_of_twelve_bits_is_not_copied(tmp_path):
    noted = _saved(tmp_path, "jpeg", photo())
    whole = bytearray(noted.read_bytes())
    whole[whole.index(b"\xff\xc0") + 4] = 12
    noted.write_bytes(whole)
    with pytest.raises(errors.OutputInvalid):
        _kept("jpeg", noted)


@pytest.mark.corpus
def test_images_of_the_corpus_are_copied(corpus, tmp_path):
    met = 0
    for path in _small_pictures(corpus / "image"):
        name = sniff(path).container
        target = tmp_path / f"kept.{name}"
        copy_image(name, str(path), str(target), {})
        assert _shown(target).tobytes() == _shown(path).tobytes(), path
        with Image.open(target) as kept:
            assert not kept.getexif(), path
        met += 1
    assert met > 30


@pytest.mark.corpus
def test_a_jpeg_that_few_viewers_show_is_not_copied(corpus, tmp_path):
    with pytest.raises(errors.OutputInvalid):
        copy_image("jpeg", str(corpus / "image" / "arithmetic-coded.jpg"), str(tmp_path / "kept"), {})


def _small_pictures(folder):
    for path in sorted(folder.rglob("*.*")):
        if path.stat().st_size < 500_000 and sniff(path).container in NOTED and "arithmetic" not in path.name:
            yield path


def _saved(folder, name, image, **options):
    path = folder / f"noted.{name}"
    image.save(path, name.upper(), **options)
    return path


def _kept(name, path, **tags):
    target = path.with_name(f"kept.{name}")
    copy_image(name, str(path), str(target), tags)
    return target


def _shown(path):
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return image.convert("RGB")
