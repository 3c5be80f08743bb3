"""Every film of the corpus: what is made of it shows what it shows, when it shows it, by an independent decode."""

import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from penstock.domain.media import Media
from penstock.engines import probe
from penstock.engines.ffmpeg.poster_frame import poster_frame_time
from penstock.engines.probing.signatures import forced_format
from tests.corpus import CorpusFile, cheapest_files, corpus_files
from tests.engines.conversions import convert_probed
from tests.engines.witness import apart, combs, heard, light, moments, tint, views

pytestmark = [pytest.mark.media, pytest.mark.corpus]

FILMS = {holding.path: holding for holding in corpus_files() if holding.kind == "video"}
SIDE = 96
SECONDS = (0.5, 1.5)
FEW_FRAMES = 130
# Fields of what was made, and of what was there, are at most so far apart, of 255.
STILL_APART, CLIP_APART = 10, 20
STILL_TINT, CLIP_TINT = 3, 5
# Nothing in these is to be seen: they are black from end to end, or a single pixel.
BLANK = {
    *("video/-video-with-dash-.mp4", "video/edit-list-edts.mp4", "video/edit-list-shift.mp4"),
    *("video/long-363s-1080p.mp4", "video/no-duration-vp9-opus.webm", "video/rotated_hdr_hlg.mov"),
}
# Its frames take a second each, and its still is looked at.
HUGE = {"video/8k-hevc-300ms.mp4"}
# Of each kind one, and whatever is not seen as a clip.
STOOD = {film.path for film in cheapest_files(corpus_files()) if film.kind == "video"} | HUGE
WOVEN = ("video/h264-interlaced-tff.mp4", "video/prores-422hq-interlaced.mov")
WRITERS_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "language", "handler_name", "vendor_id"}
WRITERS_TAGS |= {"duration", "alpha_mode", "software"}


@dataclass(frozen=True)
class Film:
    holding: CorpusFile
    path: Path
    media: Media

    @property
    def is_short(self):
        return self.media.video.frames <= FEW_FRAMES and self.media.duration < 20

    @property
    def span(self):
        return (0.0, self.media.duration) if self.is_short else SECONDS

    @property
    def step(self):
        return 1 / (self.media.video.fps or 25)


@pytest.fixture
def film(request, corpus, tools):
    holding = FILMS[request.param]
    path = corpus / holding.path
    return Film(holding, path, probe(path, tools))


@pytest.mark.parametrize("film", sorted(STOOD - BLANK), indirect=True)
def test_a_still_is_a_frame_that_shows_something(film, tools, room):
    video = film.media.video
    seconds = poster_frame_time(str(film.path), forced_format(film.media.container), video.index, None) + 0.002
    still = _picture(convert_probed(film.path, film.media, "png", (room, tools), **_small(video)).path)

    shown = views(film.path, video.index, (seconds, seconds), still.size)[0]
    mean, spread = light(still)

    assert _told_size(film) == (video.shown.width, video.shown.height)
    assert mean > 10
    assert spread > 5
    if not shown.hdr:
        assert (apart(still, shown.picture), tint(still, shown.picture)) <= (STILL_APART, STILL_TINT)


@pytest.mark.parametrize("film", [path for path in FILMS if path not in HUGE], indirect=True)
def test_a_clip_shows_and_says_the_same_at_the_same_time(film, tools, room):
    output = ("mp4", "webm")[zlib.crc32(film.holding.path.encode()) % 2]
    cut = {} if film.is_short else dict(zip(("start", "end"), SECONDS, strict=True))
    made = convert_probed(film.path, film.media, output, (room, tools), **_small(film.media.video), **cut)

    _assert_pictures(film, made)
    _assert_time(film, made)
    _assert_sound(film, made)
    assert _strange_tags(made.path) == set()


@pytest.mark.parametrize("path", WOVEN)
def test_woven_fields_are_parted(path, corpus, tools, room):
    made = convert_probed(corpus / path, probe(corpus / path, tools), "png", (room, tools))
    assert combs(_picture(made.path)) < 0.9


def _assert_pictures(film, made):
    middle = sum(film.span) / 2
    size = (made.facts.width, made.facts.height)
    clip = views(made.path, 0, (middle - film.span[0],) * 2, size)[0]
    slack = 0.001 if film.is_short else max(film.step, 1 / 30)
    shown = views(film.path, film.media.video.index, (max(0, middle - slack), middle + slack), size)
    if shown[0].hdr:
        assert film.holding.path in BLANK or 20 < light(clip.picture)[0] < 235
    else:
        assert min(apart(clip.picture, view.picture) for view in shown) <= CLIP_APART
        assert min(tint(clip.picture, view.picture) for view in shown) <= CLIP_TINT


def _assert_time(film, made):
    video, made_of = made.media.video, film.media.video
    seconds = made_of.duration if film.is_short else min(SECONDS[1], made_of.start + made_of.duration) - SECONDS[0]
    assert video.duration == pytest.approx(seconds, abs=max(0.05, film.step) + 0.01)
    if film.is_short:
        assert _paces(made.path, 0) == pytest.approx(_paces(film.path, made_of.index), abs=0.01)


def _assert_sound(film, made):
    sound, kept = film.media.audio, made.media.audio
    assert (sound is None) == (kept is None)
    if sound is None:
        return
    assert kept.channels == film.holding.facts["av"]["streams"][sound.index]["channels"]
    late = heard(film.path, sound.index) - film.media.video.start if film.is_short else 0.0
    begins = heard(made.path, kept.index) - made.media.video.start
    assert begins == pytest.approx(late, abs=max(0.05, film.step) + 0.005)


def _paces(path, index):
    """When frames are shown, counted from the first one."""
    first, *rest = moments(path, index)
    return [seconds - first for seconds in rest]


def _picture(path):
    with Image.open(path) as picture:
        canvas = Image.new("RGBA", picture.size, "white")
        canvas.alpha_composite(picture.convert("RGBA"))
        return canvas.convert("RGB")


def _small(video):
    """The shorter side, so that nothing is too thin to be looked at."""
    side = "width" if video.shown.width <= video.shown.height else "height"
    return {side: SIDE, "on_upscale": "clamp"}


def _told_size(film):
    """By the manifest: with square pixels, upright."""
    told = film.holding.facts["av"]["streams"][film.media.video.index]
    width, height = told["width"], told["height"]
    shape = Fraction(told.get("sample_aspect_ratio", "1:1").replace(":", "/"))
    wide = round(width * shape) if abs(width * (shape - 1)) >= 1 else width
    return (height, wide) if told.get("rotation", 0) % 180 else (wide, height)


def _strange_tags(path):
    with av.open(f"file:{path}") as source:
        found = {name.lower() for tags in (source, *source.streams) for name in tags.metadata}
    return found - WRITERS_TAGS - {"title", "artist", "album", "date", "track", "genre", "composer", "copyright"}
