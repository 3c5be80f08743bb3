"""Animations of the corpus keep what is shown when, and how often, in both formats that move."""

from dataclasses import dataclass

import av
import pytest
from PIL import Image

from tests.corpus import corpus_files
from tests.engines.witness import apart

from .pictures import convert

pytestmark = [pytest.mark.media, pytest.mark.corpus]

MOVING = {
    holding.path: holding.facts["image"]
    for holding in corpus_files()
    if holding.kind == "image" and holding.facts["image"].get("animated")
}
# Two backgrounds, so that neither what is transparent nor what is not can hide.
BEHIND = ("#ffffff", "#204060")
# A palette has no half transparency; the other's frames are lossy.
APART = {"gif": 40, "webp": 20}
TIMES_APART = {"gif": 10, "webp": 1}


@dataclass(frozen=True)
class Shot:
    begins: float
    picture: Image.Image


@pytest.mark.parametrize("path", MOVING)
def test_an_animation_shows_the_same_at_the_same_time(path, corpus, tmp_path):
    for suffix, most in APART.items():
        output = convert(corpus / path, tmp_path / f"output.{suffix}", width=64, on_upscale="clamp")
        made, told = _shots(tmp_path / f"output.{suffix}", output.size), _witnessed(corpus / path, output.size)
        length = sum(_times(tmp_path / f"output.{suffix}"))
        assert length == pytest.approx(MOVING[path]["animation_ms"], abs=TIMES_APART[suffix])
        ends = [*(shot.begins for shot in told[1:]), length]
        for shot, end in zip(told, ends, strict=True):
            shown = [other for other in made if other.begins <= (shot.begins + end) / 2][-1]
            for colour in BEHIND:
                assert apart(_laid(shown.picture, colour), _laid(shot.picture, colour)) <= most, (suffix, shot.begins)


@pytest.mark.parametrize("path", MOVING)
def test_an_animation_is_repeated_as_often(path, corpus, tmp_path):
    plays = _plays(corpus / path)
    assert convert(corpus / path, tmp_path / "output.webp", width=16).info["loop"] == plays
    assert convert(corpus / path, tmp_path / "output.gif", width=16).info.get("loop") == _repeats(plays)


def _witnessed(path, size):
    """Decoded by ffmpeg's own readers, where it has one."""
    reader = {".gif": "gif", ".png": "apng", ".apng": "apng"}.get(path.suffix)
    return list(_decoded(path, reader, size) if reader else _shots(path, size))


def _decoded(path, reader, size):
    with av.open(f"file:{path}", format=reader) as source:
        for frame in source.decode(video=0):
            plane, whole = frame.reformat(format="rgba").planes[0], (frame.width, frame.height)
            picture = Image.frombuffer("RGBA", whole, bytes(plane), "raw", "RGBA", plane.line_size, 1)
            yield Shot(float(1000 * frame.pts * frame.time_base), _small(picture, size))


def _shots(path, size):
    return list(_composed(path, size))


def _composed(path, size):
    begins = 0.0
    with Image.open(path) as moving:
        for place in range(moving.n_frames):
            moving.seek(place)
            moving.load()
            yield Shot(begins, _small(moving.convert("RGBA"), size))
            begins += moving.info["duration"]


def _times(path):
    with Image.open(path) as moving:
        for place in range(moving.n_frames):
            moving.seek(place)
            moving.load()
            yield moving.info["duration"]


def _small(picture, size):
    return picture.convert("RGBa").resize(size, Image.Resampling.BOX).convert("RGBA")


def _laid(picture, colour):
    canvas = Image.new("RGBA", picture.size, colour)
    canvas.alpha_composite(picture)
    return canvas.convert("RGB")


def _plays(path):
    """How often it is shown; 0 is for ever."""
    with Image.open(path) as moving:
        told = moving.info.get("loop")
    if path.suffix != ".gif":
        return told or 0
    return {None: 1, 0: 0}.get(told, (told or 0) + 1)


def _repeats(plays):
    """What a gif says: how often after the first time, or nothing."""
    return {0: 0, 1: None}.get(plays, plays - 1)
