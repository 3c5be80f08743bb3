"""Cover art is kept, without its metadata."""

import io
import subprocess

import av
import pytest
from PIL import Image

from penstock.domain.planning.plan import Copy, EncodeVideo
from penstock.engines import bundled_ffmpeg, probe
from tests.engines.conversions import convert
from tests.engines.images.sample_images import luma_difference

pytestmark = pytest.mark.media


CODECS = {"mp3": "mp3", "flac": "flac", "ogg": "vorbis"}


@pytest.mark.parametrize("output", CODECS)
@pytest.mark.parametrize("name", ["covered.mp3", "covered.flac", "covered.m4a"])
def test_audio_keeps_its_cover(name, output, media, tmp_path, tools):
    converted = convert(media(name), output, tmp_path, tools)
    assert converted.media.cover
    assert _cover(converted.path).size == (64, 48)
    assert (converted.facts.kind, converted.facts.codecs) == ("audio", CODECS[output])


@pytest.mark.parametrize("output", CODECS)
@pytest.mark.parametrize("start", [1.2, 5, 45])
def test_it_is_kept_if_the_start_is_cut_off(output, start, media, tmp_path, tools):
    converted = convert(media("covered-long.mp3"), output, tmp_path, tools, start=start, end=start + 2)
    assert _cover(converted.path).size == (64, 48)
    assert converted.facts.duration == pytest.approx(2, abs=0.1)


def test_copied_audio_keeps_it(media, tmp_path, tools):
    converted = convert(media("covered.mp3"), "mp3", tmp_path, tools)
    assert converted.plan.audio.because == "it already meets the request"
    assert _cover(converted.path).size == (64, 48)


@pytest.mark.parametrize("output", ["ogg", "flac"])
def test_it_looks_the_same(output, media, tmp_path, tools):
    before, after = _cover(media("covered.mp3")), _cover(convert(media("covered.mp3"), output, tmp_path, tools).path)
    assert luma_difference(before, after) < 6


@pytest.mark.parametrize("output", ["mp3", "ogg"])
def test_metadata_in_it_is_dropped(output, tmp_path, media, tools):
    converted = convert(_with_cover(tmp_path, media("tone.mp3"), _photograph()), output, tmp_path, tools)
    assert b"Camera 4711" not in converted.path.read_bytes()
    assert not _cover(converted.path).getexif()


def test_a_large_one_is_scaled_down(tmp_path, media, tools):
    converted = convert(_with_cover(tmp_path, media("tone.mp3"), _photograph(2800)), "mp3", tmp_path, tools)
    assert _cover(converted.path).size == (1400, 933)


def test_a_damaged_one_is_dropped(tmp_path, media, tools):
    photograph = _photograph(2800)
    covered = _with_cover(tmp_path, media("tone.mp3"), photograph)
    whole = covered.read_bytes()
    at = whole.index(photograph[:200])
    covered.write_bytes(whole[: at + 2] + bytes(len(photograph) - 2) + whole[at + len(photograph) :])
    assert probe(covered, tools).cover is None
    assert convert(covered, "flac", tmp_path, tools).facts.duration == pytest.approx(1, abs=0.1)


def test_a_cover_from_ogg_is_kept(media, tmp_path, tools):
    covered = convert(media("covered.mp3"), "ogg", tmp_path, tools).path
    copied = convert(covered.rename(tmp_path / "covered.ogg"), "ogg", tmp_path, tools)
    assert copied.plan.audio.because == "it already meets the request"
    assert _cover(copied.path).size == (64, 48)


def test_a_title_is_kept_beside_a_cover(media, tmp_path, tools):
    tags = convert(media("covered.mp3"), "ogg", tmp_path, tools).media.tags
    assert tags == {"title": "A tone", "artist": "Sine"}


def test_a_format_without_covers_is_written_without(media, tmp_path, tools):
    assert convert(media("covered.mp3"), "wav", tmp_path, tools).media.cover is None


@pytest.mark.parametrize("sides", [{}, {"width": 160}])
@pytest.mark.parametrize("name", ["covered.mkv", "covered.mp4"])
def test_a_video_keeps_its_cover(name, sides, media, tmp_path, tools):
    converted = convert(media(name), "mp4", tmp_path, tools, **sides)
    assert isinstance(converted.plan.video, EncodeVideo if sides else Copy)
    assert luma_difference(_cover(converted.path), _cover(media(name))) < 6
    assert (converted.facts.width, converted.media.audio.codec) == (sides.get("width", 320), "aac")


@pytest.mark.parametrize("start", [1.2, 5, 45])
def test_it_is_kept_if_the_start_of_a_video_is_cut_off(start, media, tmp_path, tools):
    converted = convert(media("covered.mkv"), "mp4", tmp_path, tools, start=start, end=start + 2)
    assert _cover(converted.path).size == (64, 48)
    assert converted.facts.duration == pytest.approx(2, abs=0.1)


def test_a_format_without_covers_loses_nothing_else(media, tmp_path, tools):
    converted = convert(media("covered.mkv"), "webm", tmp_path, tools, end=1)
    assert (converted.media.cover, converted.media.audio.codec) == (None, "opus")


def test_the_audio_of_a_video_keeps_the_cover(media, tmp_path, tools):
    assert _cover(convert(media("covered.mkv"), "mp3", tmp_path, tools, end=1).path).size == (64, 48)


def _cover(path):
    with av.open(str(path)) as source:
        images = [stream for stream in source.streams.video if stream.disposition & 0x400]
        return next(source.decode(images[0])).to_image()


def _photograph(width=300):
    kept = Image.Exif()
    kept[0x0110] = "Camera 4711"
    saved = io.BytesIO()
    Image.effect_noise((width, width * 2 // 3), 60).convert("RGB").save(saved, "JPEG", exif=kept)
    return saved.getvalue()


def _with_cover(tmp_path, sound, photograph):
    image, covered = tmp_path / "cover.jpg", tmp_path / "covered-by-hand.mp3"
    image.write_bytes(photograph)
    words = ("-map", "0:a", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic")
    argv = [str(bundled_ffmpeg()), "-v", "error", "-y", "-i", str(sound), "-i", str(image), *words, str(covered)]
    subprocess.run(argv, check=True)
    return covered
