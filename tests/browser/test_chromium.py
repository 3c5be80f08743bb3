"""Chromium plays and shows our outputs with the expected size, duration and colours."""

import pytest

from penstock.domain.formats import FORMATS

pytestmark = pytest.mark.media

# For each format of the web, inputs whose streams are encoded, copied, turned, squared, darkened, woven …
VIDEOS = {
    "mp4": (
        *("clip.mp4", "clip.mov", "hevc.mp4", "rotated.mp4", "wide-pixels.mp4", "hdr.mp4"),
        *("interlaced.mp4", "variable-rate.mp4", "late-audio.mkv", "odd.webm", "alpha.webm", "covered.mkv"),
    ),
    "webm": ("clip.webm", "vp9.webm", "hevc.mp4", "odd.webm", "alpha.webm", "mirrored.mp4", "late-audio.mkv"),
}
SOUNDS = dict.fromkeys(("mp3", "wav", "ogg", "flac"), ("tone.mp3", "tone.flac", "tone-8k.wav", "surround.mkv"))
PICTURES = dict.fromkeys(("jpeg", "png", "webp", "gif"), ("still.jpeg", "still.png", "moving.gif"))
PICTURES["gif"] += ("moving.webp", "clip.mp4")
PICTURES["webp"] += ("moving.webp", "clip.mp4")


def _pairs(table):
    return [pytest.param(name, output, id=f"{name} {output}") for output, names in table.items() for name in names]


@pytest.mark.parametrize(("name", "output"), _pairs(VIDEOS))
def test_a_video_plays(name, output, chromium, make):
    converted = make(name, output)
    seen = chromium.play(converted.path, "video", FORMATS[output].mime)
    assert (seen.fault, seen.width, seen.height) == (None, converted.facts.width, converted.facts.height)
    assert seen.duration == pytest.approx(converted.facts.duration, abs=0.1)
    assert seen.played > 0


@pytest.mark.parametrize(("name", "output"), _pairs(SOUNDS))
def test_audio_plays(name, output, chromium, make):
    converted = make(name, output)
    seen = chromium.play(converted.path, "audio", FORMATS[output].mime)
    assert seen.fault is None
    assert seen.duration == pytest.approx(converted.facts.duration, abs=0.1)
    assert seen.played > 0


@pytest.mark.parametrize(("name", "output"), _pairs(PICTURES))
def test_an_image_is_shown(name, output, chromium, make):
    converted = make(name, output)
    seen = chromium.show(converted.path, FORMATS[output].mime)
    assert (seen.fault, seen.width, seen.height) == (None, converted.facts.width, converted.facts.height)


@pytest.mark.parametrize("output", ["mp4", "webm"])
@pytest.mark.parametrize("name", ["undeclared-colors.mp4", "undeclared-colors.webm", "rgb.mkv"])
@pytest.mark.parametrize("width", [None, 160])
def test_red_stays_red_without_colour_tags(name, output, width, chromium, make):
    converted = make(name, output, width=width)
    seen = chromium.play(converted.path, "video", FORMATS[output].mime)
    assert seen.fields == pytest.approx((255, 0, 0) * 64, abs=4)


def test_a_file_that_cannot_be_shown_is_reported(chromium, tmp_path):
    (tmp_path / "nothing.mp4").write_bytes(b"nothing")
    assert chromium.play(tmp_path / "nothing.mp4", "video", "video/mp4").fault
