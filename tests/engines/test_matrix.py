"""Every kind of input becomes every format that it may become, really encoded and read back."""

import pytest

from penstock.domain.formats import FORMATS
from tests.corpus import outputs_of
from tests.engines.conversions import convert

pytestmark = pytest.mark.media

VIDEOS = (
    "clip.mp4",
    "clip.mkv",
    "clip.webm",
    "vp9.webm",
    "clip.avi",
    "clip.flv",
    "clip.mpg",
    "clip.ts",
    "clip.wmv",
    "clip.3gp",
    "hevc.mp4",
    "late.mkv",
)
SOUNDS = (
    "tone.mp3",
    "tone.wav",
    "tone.flac",
    "tone.ogg",
    "tone.opus",
    "tone.m4a",
    "tone.aac",
    "tone.aiff",
    "tone.ac3",
    "tone.wma",
    "tone.wv",
    "tone-8k.wav",
    "covered.mp3",
    "surround.mkv",
)
PICTURES = ("still.jpeg", "still.png", "still.bmp", "still.tiff", "still.webp", "moving.gif", "moving.webp")

CODECS = {
    "mp4": "h264,aac",
    "mov": "h264,aac",
    "webm": "vp9,opus",
    "avi": "mpeg4,mp3",
    "mp3": "mp3",
    "wav": "pcm_s16le",
    "ogg": "vorbis",
    "flac": "flac",
}


def _outputs():
    """Every format; of sounds and of stills, which are cut out of all films in the same way, one by turns."""
    for turn, name in enumerate(VIDEOS):
        by_turns = (("mp3", "wav", "ogg", "flac")[turn % 4], ("jpeg", "png", "webp")[turn % 3])
        yield from ((name, output) for output in ("mp4", "webm", "mov", "avi", "gif", *by_turns))


@pytest.mark.parametrize(("name", "output"), list(_outputs()))
def test_a_video_becomes(name, output, media, room, tools):
    made = convert(media(name), output, room, tools)
    assert made.facts.kind == FORMATS[output].kind
    assert made.facts.filesize == made.path.stat().st_size > 0
    if made.facts.kind != "audio":
        assert (made.facts.width, made.facts.height) == (160, 120)
    if made.facts.kind == "video":
        assert made.facts.duration == pytest.approx(made.plan.duration, abs=0.2)


@pytest.mark.parametrize("output", outputs_of("audio", "mp3"))
@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_becomes(name, output, media, room, tools):
    made = convert(media(name), output, room, tools)
    assert made.facts.codecs == CODECS[output]
    assert made.facts.duration == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("output", outputs_of("image", "png"))
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_becomes(name, output, media, room, tools):
    facts = convert(media(name), output, room, tools).facts
    assert (facts.format, facts.width, facts.height) == (output, 64, 48)


@pytest.mark.parametrize("output", [name for name in CODECS if FORMATS[name].kind == "video"])
def test_a_video_that_has_to_be_encoded_gets_its_formats_codecs(output, media, room, tools):
    made = convert(media("hevc.mp4"), output, room, tools, width=80)
    assert made.facts.codecs == CODECS[output]
    assert made.media.video.pixel_format == "yuv420p"
