"""The same promises on real files that nobody here made, healthy and broken."""

import json
import time

import pytest

from penstock.domain import errors
from penstock.domain.compatibility import outputs_of
from penstock.domain.formats import KINDS, kind_of
from penstock.engines import probe
from tests.engines.conversions import convert, convert_probed

pytestmark = [pytest.mark.media, pytest.mark.corpus, pytest.mark.timeout(900)]

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
}
SOUND = {"jpeg-named.heic", "webp-named.jpeg", "mpegts-named.mp4"}


@pytest.fixture(scope="module")
def entries(corpus):
    return json.loads((corpus / "manifest.json").read_text())["files"]


@pytest.fixture(scope="module")
def probed(corpus, entries, tools):
    """The facts of every healthy file, read once."""
    return {path: probe(corpus / path, tools) for path in _paths(entries, "video", "audio", "image")}


def test_every_healthy_file_is_of_its_kind(probed):
    kinds = {path: media.kind for path, media in probed.items()}
    assert {path: kind for path, kind in kinds.items() if not path.startswith(kind)} == {}


def test_every_healthy_stream_is_read_as_the_manifest_says(entries, probed):
    wrong = {}
    for entry in entries:
        if entry["path"].startswith(("video", "audio")):
            media, told = probed[entry["path"]], _streams(entry)
            for stream in filter(None, (media.video, media.audio)):
                if told.get(stream.index) != stream.codec:
                    wrong[entry["path"]] = (stream.index, stream.codec, told)
    assert wrong == {}


@pytest.mark.parametrize("kind", KINDS)
def test_every_video_becomes_every_kind(kind, corpus, probed, tools, tmp_path):
    failures = {}
    for turn, path in enumerate(path for path in probed if path.startswith("video")):
        room = tmp_path / str(turn)
        room.mkdir()
        if failure := _failure(corpus / path, probed[path], (kind, turn), (room, tools)):
            failures[path] = failure
    assert failures == {}


def test_every_sound_becomes_audio(corpus, probed, tools, tmp_path):
    failures = {}
    for turn, path in enumerate(path for path in probed if path.startswith("audio")):
        room = tmp_path / str(turn)
        room.mkdir()
        if failure := _failure(corpus / path, probed[path], ("audio", turn), (room, tools)):
            failures[path] = failure
    assert failures == {}


def test_every_broken_file_is_refused_with_its_code_or_converted_well(corpus, entries, tools, tmp_path):
    surprises = {}
    for turn, path in enumerate(_paths(entries, "broken")):
        room = tmp_path / str(turn)
        room.mkdir()
        began = time.monotonic()
        name, code = path.partition("/")[2], _code(corpus / path, room, tools)
        if time.monotonic() - began > BROKEN_SECONDS or not _expected(name, code):
            surprises[name] = code
    assert surprises == {}


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


def _failure(path, media, wanted, where):
    """What went wrong with one conversion, shortened to a second and a small size; None where nothing did."""
    kind, turn = wanted
    outputs = [name for name in outputs_of(media.kind, media.container) if kind_of(name) == kind]
    output = outputs[turn % len(outputs)]
    try:
        convert_probed(path, media, output, where, **_small(output, media), **_moment(output, turn))
    except errors.NoAudioStream:
        return None if media.audio is None else "an audio stream was overlooked"
    except errors.MediaError as refusal:
        return f"{output}: {refusal.code} {refusal.detail}"
    return None


def _moment(output, turn):
    """One still in four is of a good moment; the others are of the beginning, because looking takes its time."""
    return {"at": 0} if output in ("jpeg", "png", "webp") and turn % 4 else {}


def _small(output, media):
    moves = output not in ("jpeg", "png", "webp") and (media.duration or 0) > 1
    sized = kind_of(output) != "audio" and media.video.shown.width > 160
    return {**({"end": 1} if moves else {}), **({"width": 160} if sized else {})}


def _paths(entries, *folders):
    return [entry["path"] for entry in entries if entry["path"].startswith(folders)]


def _streams(entry):
    return {place: stream.get("codec") for place, stream in enumerate(entry["av"]["streams"])}
