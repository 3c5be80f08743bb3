"""Every container and codec that the corpus holds becomes every format that it may become; every file becomes one."""

import zlib

import pytest

from penstock.domain.formats import FORMATS
from penstock.engines import MediaFile, probe
from tests.corpus import cheapest_files, corpus_files
from tests.engines.conversions import convert_probed

pytestmark = [pytest.mark.media, pytest.mark.corpus]

HELD = corpus_files()
MET = cheapest_files(HELD)
# Every film and every picture becomes something in the tests that look at it.
REST = [holding for holding in HELD if holding not in MET and holding.kind == "audio"]
STILLS = ("jpeg", "png", "webp")
SOUNDS = ("mp3", "wav", "ogg", "flac")
SIDE = 96
SECONDS = 1


def _outputs(holding):
    """All that it may become; of a film one sound and one still, which are cut out in the same way for all formats."""
    turn = zlib.crc32(holding.path.encode())
    chosen = {STILLS[turn % len(STILLS)], SOUNDS[turn % len(SOUNDS)]}
    return [
        name for name in holding.outputs if holding.kind != "video" or name not in STILLS + SOUNDS or name in chosen
    ]


@pytest.fixture(scope="module")
def known(corpus, tools):
    """Files with their facts, each read when it is first asked for."""
    read = {}

    def source(holding):
        path = corpus / holding.path
        if path not in read:
            read[path] = MediaFile(path, probe(path, tools))
        return read[path]

    return source


def test_every_container_and_codec_of_the_corpus_is_met(known):
    met = {pair for holding in MET for pair in _pairs(known(holding).media)}
    assert met == {pair for holding in HELD for pair in holding.pairs}


@pytest.mark.parametrize(
    ("holding", "output"),
    [pytest.param(holding, output, id=f"{holding.path} {output}") for holding in MET for output in _outputs(holding)],
)
def test_one_of_its_kind_becomes(holding, output, known, tools, room):
    source = known(holding)
    moment = {"at": 0} if output in STILLS and source.media.video else {}
    _convert(holding, output, source, (room, tools), **moment)


@pytest.mark.parametrize("holding", REST, ids=lambda holding: holding.path)
def test_every_other_one_becomes_something(holding, known, tools, room):
    output = holding.outputs[zlib.crc32(holding.path.encode()) % len(holding.outputs)]
    _convert(holding, output, known(holding), (room, tools))


def _convert(holding, output, source, where, **fields):
    media = source.media
    assert media.kind == holding.kind
    assert _codecs(media) <= _told(holding)
    facts = convert_probed(source.path, media, output, where, **_little(output, media), **fields).facts
    assert (facts.kind, facts.format) == (FORMATS[output].kind, output)
    if facts.kind != "audio":
        assert facts.width <= SIDE
    if facts.duration and media.duration:
        assert facts.duration <= min(SECONDS, media.duration) + 0.2


def _little(output, media):
    """A second of it, and a small picture."""
    size = {} if FORMATS[output].kind == "audio" else {"width": SIDE, "on_upscale": "clamp"}
    if output in STILLS and media.video:
        return size
    lasts = (media.duration or 0) > SECONDS and output not in ("jpeg", "png")
    return {**size, **({"end": SECONDS} if lasts else {})}


def _pairs(media):
    if media.image:
        return {(media.container, "still" if media.image.frames == 1 else "moving")}
    return {(media.container, stream.codec) for stream in (media.video, media.audio) if stream}


def _codecs(media):
    return {(stream.index, stream.codec) for stream in (media.video, media.audio) if stream}


def _told(holding):
    streams = holding.facts.get("av", {}).get("streams", [])
    return {(place, stream.get("codec")) for place, stream in enumerate(streams)}
