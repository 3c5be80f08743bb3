"""Each container and codec of the corpus becomes each format that is possible; each file becomes at least one."""

import zlib

import pytest

from penstock.domain.formats import FORMATS
from penstock.engines import MediaFile, probe
from tests.corpus import cheapest_files, corpus_files
from tests.engines.conversions import convert_probed

pytestmark = [pytest.mark.media, pytest.mark.corpus]

ALL_FILES = corpus_files()
CONVERTED_FILES = cheapest_files(ALL_FILES)
# Every video and image is converted in the tests of its pixels.
OTHER_AUDIO = [file for file in ALL_FILES if file not in CONVERTED_FILES and file.kind == "audio"]
IMAGE_FORMATS = ("jpeg", "png", "webp")
AUDIO_FORMATS = ("mp3", "wav", "ogg", "flac")
SIDE = 96
SECONDS = 1


def _outputs(corpus_file):
    """Its output formats; of a video one audio and one image format, because extracting is the same for all."""
    turn = zlib.crc32(corpus_file.path.encode())
    chosen = {IMAGE_FORMATS[turn % len(IMAGE_FORMATS)], AUDIO_FORMATS[turn % len(AUDIO_FORMATS)]}
    return [
        name
        for name in corpus_file.outputs
        if corpus_file.kind != "video" or name not in IMAGE_FORMATS + AUDIO_FORMATS or name in chosen
    ]


@pytest.fixture(scope="module")
def probed(corpus, tools):
    """Files with their facts, probed at the first use."""
    read = {}

    def source(corpus_file):
        path = corpus / corpus_file.path
        if path not in read:
            read[path] = MediaFile(path, probe(path, tools))
        return read[path]

    return source


def test_every_container_and_codec_of_the_corpus_is_converted(probed):
    converted = {pair for corpus_file in CONVERTED_FILES for pair in _pairs(probed(corpus_file).media)}
    assert converted == {pair for corpus_file in ALL_FILES for pair in corpus_file.pairs}


@pytest.mark.parametrize(
    ("corpus_file", "output"),
    [
        pytest.param(corpus_file, output, id=f"{corpus_file.path} {output}")
        for corpus_file in CONVERTED_FILES
        for output in _outputs(corpus_file)
    ],
)
def test_a_file_of_each_kind_becomes(corpus_file, output, probed, tools, tmp_path):
    source = probed(corpus_file)
    poster_options = {"at": 0} if output in IMAGE_FORMATS and source.media.video else {}
    _convert(corpus_file, output, source, (tmp_path, tools), **poster_options)


@pytest.mark.parametrize("corpus_file", OTHER_AUDIO, ids=lambda corpus_file: corpus_file.path)
def test_every_other_audio_file_is_converted(corpus_file, probed, tools, tmp_path):
    output = corpus_file.outputs[zlib.crc32(corpus_file.path.encode()) % len(corpus_file.outputs)]
    _convert(corpus_file, output, probed(corpus_file), (tmp_path, tools))


def _convert(corpus_file, output, source, where, **fields):
    media = source.media
    assert media.kind == corpus_file.kind
    assert _codecs(media) <= _listed_codecs(corpus_file)
    facts = convert_probed(source.path, media, output, where, **_small(output, media), **fields).facts
    assert (facts.kind, facts.format) == (FORMATS[output].kind, output)
    if facts.kind != "audio":
        assert facts.width <= SIDE
    if facts.duration and media.duration:
        assert facts.duration <= min(SECONDS, media.duration) + 0.2


def _small(output, media):
    """The options for one second at a small size."""
    size = {} if FORMATS[output].kind == "audio" else {"width": SIDE, "on_upscale": "clamp"}
    if output in IMAGE_FORMATS and media.video:
        return size
    is_long = (media.duration or 0) > SECONDS and output not in ("jpeg", "png")
    return {**size, **({"end": SECONDS} if is_long else {})}


def _pairs(media):
    if media.image:
        return {(media.container, "still" if media.image.frames == 1 else "moving")}
    return {(media.container, stream.codec) for stream in (media.video, media.audio) if stream}


def _codecs(media):
    return {(stream.index, stream.codec) for stream in (media.video, media.audio) if stream}


def _listed_codecs(corpus_file):
    streams = corpus_file.facts.get("av", {}).get("streams", [])
    return {(place, stream.get("codec")) for place, stream in enumerate(streams)}
