"""What is broken, on real files that nobody here broke."""

import time

import pytest

from penstock.domain import errors
from penstock.engines import probe
from tests.corpus import broken, outputs_of
from tests.engines.conversions import convert

pytestmark = [pytest.mark.media, pytest.mark.corpus]

BROKEN_SECONDS = 30
# What a broken file may answer with; the ones that are named must, the others may also turn out sound.
REFUSALS = {"input_unreadable", "input_truncated", "input_limits_exceeded", "output_invalid", "encoder_failed"}
CODES = {
    "zero-bytes.webm": "input_unreadable",
    "truncated.png": "input_truncated",
    "truncated.jpg": "input_truncated",
    "broken.png": "input_unreadable",
    "bomb-65535x66601.gif": "input_limits_exceeded",
    "bomb-64250x64250.jpg": "input_limits_exceeded",
    "bomb-40000-frames.gif": "input_limits_exceeded",
    "bomb-268MP-16383x16383.png": "input_limits_exceeded",
    "bomb-3000000x2000000.bmp": "input_limits_exceeded",
    "large-280MP-20000x14000.jpg": "input_limits_exceeded",
    "postscript-named.jpg": "input_unreadable",
    "mvg-named.jpg": "input_unreadable",
    "hls-playlist-named.avi": "input_unreadable",
    "text-named.mp4": "input_unreadable",
    "mxf-named.mp4": "input_unreadable",
    "not-audio.mp3": "input_unreadable",
    "vp9-invalid-bitstream.webm": "input_unreadable",
    "drm-widevine.mp4": "input_unreadable",
    "vvc-unsupported.mp4": "input_unreadable",
    "segfault.wav": "input_unreadable",
    "zero-channels.wav": "input_unreadable",
    "quicktime-mjpeg-cut.mov": "input_truncated",
    "corrupted.heic": "input_unreadable",
    "fuzz-mov.mov": "input_unreadable",
    "flac-blocksize-1.flac": "input_unreadable",
}
SOUND = {"jpeg-named.heic", "webp-named.jpeg", "mpegts-named.mp4"}


@pytest.mark.parametrize("name", broken())
def test_a_broken_file_is_refused_with_its_code_or_converted_well(name, corpus, tools, room):
    began = time.monotonic()
    code = _code(corpus / "broken" / name, room, tools)
    assert time.monotonic() - began < BROKEN_SECONDS
    assert _expected(name, code), code


def test_every_code_is_of_a_file_that_is_there(corpus):
    assert {*CODES, *SOUND} <= set(broken())


def _expected(name, code):
    if name in SOUND:
        return code is None
    return code == CODES[name] if name in CODES else code is None or code in REFUSALS


def _code(path, room, tools):
    """The code of the refusal, or None where an output was made and verified."""
    try:
        media = probe(path, tools)
        output = outputs_of(media.kind, media.container)[0]
        convert(path, output, room, tools)
    except errors.MediaError as refusal:
        return refusal.code
    return None
