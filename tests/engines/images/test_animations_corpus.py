"""Animations of the corpus keep their frames, durations and repeats, as GIF and as WebP."""

from dataclasses import dataclass

import av
import pytest
from PIL import Image

from tests.corpus import corpus_files
from tests.engines.independent_decoder import max_difference

from .sample_images import convert

pytestmark = [pytest.mark.media, pytest.mark.corpus]

ANIMATIONS = {
    corpus_file.path: corpus_file.facts["image"]
    for corpus_file in corpus_files()
    if corpus_file.kind == "image" and corpus_file.facts["image"].get("animated")
}
# Two backgrounds, so that a difference in transparency shows on one of them.
BACKGROUNDS = ("#ffffff", "#204060")
# GIF has no partial transparency; WebP frames are lossy.
MAX_DIFFERENCE = {"gif": 40, "webp": 20}
MAX_TIME_DIFFERENCE = {"gif": 10, "webp": 1}


@dataclass(frozen=True)
class TimedImage:
    begins: float
    image: Image.Image


@pytest.mark.parametrize("path", ANIMATIONS)
def test_an_animation_shows_the_same_frames_at_the_same_times(path, corpus, tmp_path):
    for suffix, max_allowed in MAX_DIFFERENCE.items():
        output = convert(corpus / path, tmp_path / f"output.{suffix}", width=64, on_upscale="clamp")
        frames = _frames(tmp_path / f"output.{suffix}", output.size)
        expected_frames = _independent_frames(corpus / path, output.size)
        length = sum(_times(tmp_path / f"output.{suffix}"))
        assert length == pytest.approx(ANIMATIONS[path]["animation_ms"], abs=MAX_TIME_DIFFERENCE[suffix])
        ends = [*(expected.begins for expected in expected_frames[1:]), length]
        for expected, end in zip(expected_frames, ends, strict=True):
            decoded = [frame for frame in frames if frame.begins <= (expected.begins + end) / 2][-1]
            for color in BACKGROUNDS:
                difference = max_difference(_on_background(decoded.image, color), _on_background(expected.image, color))
                assert difference <= max_allowed, (suffix, expected.begins)


@pytest.mark.parametrize("path", ANIMATIONS)
def test_an_animation_of_the_corpus_keeps_its_repeats(path, corpus, tmp_path):
    plays = _plays(corpus / path)
    assert convert(corpus / path, tmp_path / "output.webp", width=16).info["loop"] == plays
    assert convert(corpus / path, tmp_path / "output.gif", width=16).info.get("loop") == _repeats(plays)


def _independent_frames(path, size):
    """Frames decoded by ffmpeg if it has a demuxer for the format, else by Pillow."""
    reader = {".gif": "gif", ".png": "apng", ".apng": "apng"}.get(path.suffix)
    return list(_decoded(path, reader, size) if reader else _frames(path, size))


def _decoded(path, reader, size):
    with av.open(f"file:{path}", format=reader) as source:
        for frame in source.decode(video=0):
            plane, whole = frame.reformat(format="rgba").planes[0], (frame.width, frame.height)
            image = Image.frombuffer("RGBA", whole, bytes(plane), "raw", "RGBA", plane.line_size, 1)
            yield TimedImage(float(1000 * frame.pts * frame.time_base), _small(image, size))


def _frames(path, size):
    return list(_composed(path, size))


def _composed(path, size):
    begins = 0.0
    with Image.open(path) as animation:
        for place in range(animation.n_frames):
            animation.seek(place)
            animation.load()
            yield TimedImage(begins, _small(animation.convert("RGBA"), size))
            begins += animation.info["duration"]


def _times(path):
    with Image.open(path) as animation:
        for place in range(animation.n_frames):
            animation.seek(place)
            animation.load()
            yield animation.info["duration"]


def _small(image, size):
    return image.convert("RGBa").resize(size, Image.Resampling.BOX).convert("RGBA")


def _on_background(image, color):
    canvas = Image.new("RGBA", image.size, color)
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


def _plays(path):
    """How often it is shown, 0 for ever."""
    with Image.open(path) as animation:
        reported = animation.info.get("loop")
    if path.suffix != ".gif":
        return reported or 0
    return {None: 1, 0: 0}.get(reported, (reported or 0) + 1)


def _repeats(plays):
    """The value in a GIF: the repeats after the first time; None for no repeats."""
    return {0: 0, 1: None}.get(plays, plays - 1)
