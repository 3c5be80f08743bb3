"""Each kind of input becomes each format that is possible, encoded and read back."""

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
    "late-audio.mkv",
)
AUDIOS = (
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
IMAGES = ("still.jpeg", "still.png", "still.bmp", "still.tiff", "still.webp", "moving.gif", "moving.webp")

# Containers that are read like those above, each with an output in turn.
OTHER_CONTAINERS = {
    "clip.m2ts": "mp4",
    "clip.mxf": "mp4",
    "clip.gxf": "webm",
    "clip.wtv": "avi",
    "clip.rm": "mp4",
    "clip.nut": "gif",
    "clip.ivf": "jpeg",
    "clip.y4m": "mp4",
    "tone.caf": "mp3",
    "tone.au": "wav",
    "tone.w64": "ogg",
    "tone.voc": "flac",
    "tone.tta": "mp3",
    "tone.dts": "wav",
    "clip.h264": "mp4",
    "clip.hevc": "mov",
    "clip.m1v": "avi",
    "clip.m2v": "mp4",
    "clip.m4v": "avi",
    "clip.obu": "mp4",
    "clip.apv": "gif",
    "clip.dv": "mp4",
    "tone.eac3": "mp3",
    "tone.mlp": "flac",
    "tone.thd": "wav",
    "tone.latm": "ogg",
    "tone.mp2": "mp3",
    "still.ppm": "png",
    "still.pcx": "webp",
    "still.dds": "jpeg",
    "still.sgi": "png",
    "still.qoi": "webp",
    "still.icns": "jpeg",
    "still.tga": "png",
    "still.jxl": "jpeg",
    "light.exr": "png",
    "light.hdr": "jpeg",
    "light.pfm": "webp",
    "light.phm": "png",
    "picture.ras": "jpeg",
    "picture.xbm": "png",
    "picture.xwd": "webp",
    "picture.pam": "jpeg",
    "picture.vbn": "png",
    "picture.jls": "webp",
    "picture.dpx": "jpeg",
    "picture.fits": "png",
}

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
    """All video formats, and one audio and one image format in turn: extracting is the same for all videos."""
    for turn, name in enumerate(VIDEOS):
        by_turns = (("mp3", "wav", "ogg", "flac")[turn % 4], ("jpeg", "png", "webp")[turn % 3])
        yield from ((name, output) for output in ("mp4", "webm", "mov", "avi", "gif", *by_turns))


@pytest.mark.parametrize(("name", "output"), list(_outputs()))
def test_a_video_becomes(name, output, media, tmp_path, tools):
    converted = convert(media(name), output, tmp_path, tools)
    assert converted.facts.kind == FORMATS[output].kind
    assert converted.facts.filesize == converted.path.stat().st_size > 0
    if converted.facts.kind != "audio":
        assert (converted.facts.width, converted.facts.height) == (160, 120)
    if converted.facts.kind == "video":
        assert converted.facts.duration == pytest.approx(converted.plan.duration, abs=0.2)


@pytest.mark.parametrize(("name", "output"), OTHER_CONTAINERS.items())
def test_a_file_in_another_container_becomes(name, output, media, tmp_path, tools):
    converted = convert(media(name), output, tmp_path, tools)
    assert (converted.facts.format, converted.facts.filesize > 0) == (output, True)


@pytest.mark.parametrize("output", outputs_of("audio", "mp3"))
@pytest.mark.parametrize("name", AUDIOS)
def test_audio_becomes(name, output, media, tmp_path, tools):
    converted = convert(media(name), output, tmp_path, tools)
    assert converted.facts.codecs == CODECS[output]
    assert converted.facts.duration == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("output", outputs_of("image", "png"))
@pytest.mark.parametrize("name", IMAGES)
def test_an_image_becomes(name, output, media, tmp_path, tools):
    facts = convert(media(name), output, tmp_path, tools).facts
    assert (facts.format, facts.width, facts.height) == (output, 64, 48)


@pytest.mark.parametrize("output", [name for name in CODECS if FORMATS[name].kind == "video"])
def test_a_video_that_has_to_be_encoded_gets_its_formats_codecs(output, media, tmp_path, tools):
    converted = convert(media("hevc.mp4"), output, tmp_path, tools, width=80)
    assert converted.facts.codecs == CODECS[output]
    assert converted.media.video.pixel_format == "yuv420p"
