"""The picture that comes with a sound or a film goes with it, and carries nothing else along."""

import io
import subprocess

import av
import pytest
from PIL import Image

from penstock.domain.planning.plan import Copy, EncodeVideo
from penstock.engines import bundled_ffmpeg, probe
from tests.engines.conversions import convert
from tests.engines.images.pictures import distance

pytestmark = pytest.mark.media


CODECS = {"mp3": "mp3", "flac": "flac", "ogg": "vorbis"}


@pytest.mark.parametrize("output", CODECS)
@pytest.mark.parametrize("name", ["covered.mp3", "covered.flac", "covered.m4a"])
def test_a_cover_goes_with_its_sound(name, output, media, room, tools):
    made = convert(media(name), output, room, tools)
    assert made.media.cover
    assert _cover(made.path).size == (64, 48)
    assert (made.facts.kind, made.facts.codecs) == ("audio", CODECS[output])


@pytest.mark.parametrize("output", CODECS)
@pytest.mark.parametrize("start", [1.2, 5, 45])
def test_it_stays_where_the_beginning_is_cut_off(output, start, media, room, tools):
    made = convert(media("covered-long.mp3"), output, room, tools, start=start, end=start + 2)
    assert _cover(made.path).size == (64, 48)
    assert made.facts.duration == pytest.approx(2, abs=0.1)


def test_a_copied_sound_keeps_it_too(media, room, tools):
    made = convert(media("covered.mp3"), "mp3", room, tools)
    assert made.plan.audio.because == "it already meets the request"
    assert _cover(made.path).size == (64, 48)


@pytest.mark.parametrize("output", ["ogg", "flac"])
def test_it_looks_the_same(output, media, room, tools):
    before, after = _cover(media("covered.mp3")), _cover(convert(media("covered.mp3"), output, room, tools).path)
    assert distance(before, after) < 6


@pytest.mark.parametrize("output", ["mp3", "ogg"])
def test_what_hides_in_it_stays_behind(output, room, media, tools):
    made = convert(_with_cover(room, media("tone.mp3"), _photograph()), output, room, tools)
    assert b"Camera 4711" not in made.path.read_bytes()
    assert not _cover(made.path).getexif()


def test_a_large_one_is_made_smaller(room, media, tools):
    made = convert(_with_cover(room, media("tone.mp3"), _photograph(2800)), "mp3", room, tools)
    assert _cover(made.path).size == (1400, 933)


def test_a_damaged_one_is_left_out(room, media, tools):
    photograph = _photograph(2800)
    covered = _with_cover(room, media("tone.mp3"), photograph)
    whole = covered.read_bytes()
    at = whole.index(photograph[:200])
    covered.write_bytes(whole[: at + 2] + bytes(len(photograph) - 2) + whole[at + len(photograph) :])
    assert probe(covered, tools).cover is None
    assert convert(covered, "flac", room, tools).facts.duration == pytest.approx(1, abs=0.1)


def test_a_cover_out_of_ogg_goes_on(media, room, tools):
    covered = convert(media("covered.mp3"), "ogg", room, tools).path
    copied = convert(covered.rename(room / "covered.ogg"), "ogg", room, tools)
    assert copied.plan.audio.because == "it already meets the request"
    assert _cover(copied.path).size == (64, 48)


def test_a_title_stays_beside_a_cover(media, room, tools):
    tags = convert(media("covered.mp3"), "ogg", room, tools).media.tags
    assert tags == {"title": "A tone", "artist": "Sine"}


def test_a_format_without_a_place_for_it_is_made_without(media, room, tools):
    assert convert(media("covered.mp3"), "wav", room, tools).media.cover is None


@pytest.mark.parametrize("sides", [{}, {"width": 160}])
@pytest.mark.parametrize("name", ["covered.mkv", "covered.mp4"])
def test_a_cover_goes_with_its_film(name, sides, media, room, tools):
    made = convert(media(name), "mp4", room, tools, **sides)
    assert isinstance(made.plan.video, EncodeVideo if sides else Copy)
    assert distance(_cover(made.path), _cover(media(name))) < 6
    assert (made.facts.width, made.media.audio.codec) == (sides.get("width", 320), "aac")


@pytest.mark.parametrize("start", [1.2, 5, 45])
def test_it_stays_where_the_beginning_of_a_film_is_cut_off(start, media, room, tools):
    made = convert(media("covered.mkv"), "mp4", room, tools, start=start, end=start + 2)
    assert _cover(made.path).size == (64, 48)
    assert made.facts.duration == pytest.approx(2, abs=0.1)


def test_a_film_loses_nothing_else_with_a_format_that_has_no_covers(media, room, tools):
    made = convert(media("covered.mkv"), "webm", room, tools, end=1)
    assert (made.media.cover, made.media.audio.codec) == (None, "opus")


def test_the_sound_of_a_film_takes_its_cover_along(media, room, tools):
    assert _cover(convert(media("covered.mkv"), "mp3", room, tools, end=1).path).size == (64, 48)


def _cover(path):
    with av.open(str(path)) as source:
        pictures = [stream for stream in source.streams.video if stream.disposition & 0x400]
        return next(source.decode(pictures[0])).to_image()


def _photograph(width=300):
    kept = Image.Exif()
    kept[0x0110] = "Camera 4711"
    saved = io.BytesIO()
    Image.effect_noise((width, width * 2 // 3), 60).convert("RGB").save(saved, "JPEG", exif=kept)
    return saved.getvalue()


def _with_cover(room, sound, photograph):
    picture, covered = room / "cover.jpg", room / "covered-by-hand.mp3"
    picture.write_bytes(photograph)
    words = ("-map", "0:a", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic")
    argv = [str(bundled_ffmpeg()), "-v", "error", "-y", "-i", str(sound), "-i", str(picture), *words, str(covered)]
    subprocess.run(argv, check=True)
    return covered
