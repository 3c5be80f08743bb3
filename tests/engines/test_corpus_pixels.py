"""Videos of the corpus: an output shows the same frames at the same times, by an independent decoder."""

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
from penstock.engines.probing.readers import forced_format
from tests.corpus import CorpusFile, cheapest_files, corpus_files
from tests.engines.conversions import convert_probed
from tests.engines.independent_decoder import (
    color_difference,
    combing,
    first_audio_time,
    frame_times,
    frames_between,
    luma_stats,
    max_difference,
)

pytestmark = [pytest.mark.media, pytest.mark.corpus]

VIDEO_FILES = {corpus_file.path: corpus_file for corpus_file in corpus_files() if corpus_file.kind == "video"}
SIDE = 96
SECONDS = (0.5, 1.5)
FEW_FRAMES = 130
# The maximum difference of 8x8 block means between output and input, of 255.
MAX_STILL_DIFFERENCE, MAX_CLIP_DIFFERENCE = 10, 20
MAX_STILL_COLOR_DIFFERENCE, MAX_CLIP_COLOR_DIFFERENCE = 3, 5
# All black, or a single pixel.
BLANK = {
    *("video/-video-with-dash-.mp4", "video/edit-list-edts.mp4", "video/edit-list-shift.mp4"),
    *("video/long-363s-1080p.mp4", "video/no-duration-vp9-opus.webm", "video/rotated_hdr_hlg.mov"),
}
# Each frame takes a second to decode: only its still is tested.
HUGE = {"video/8k-hevc-300ms.mp4"}
# One of each kind, and those that are not tested as clips.
STILL_VIDEOS = {case.path for case in cheapest_files(corpus_files()) if case.kind == "video"} | HUGE
INTERLACED = ("video/h264-interlaced-tff.mp4", "video/prores-422hq-interlaced.mov")
MUXER_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "language", "handler_name", "vendor_id"}
MUXER_TAGS |= {"duration", "alpha_mode", "software"}


@dataclass(frozen=True)
class VideoCase:
    corpus_file: CorpusFile
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
def case(request, corpus, tools):
    corpus_file = VIDEO_FILES[request.param]
    path = corpus / corpus_file.path
    return VideoCase(corpus_file, path, probe(path, tools))


@pytest.mark.parametrize("case", sorted(STILL_VIDEOS - BLANK), indirect=True)
def test_a_still_is_neither_black_nor_uniform(case, tools, tmp_path):
    video = case.media.video
    seconds = poster_frame_time(str(case.path), forced_format(case.media.container), video.index, None) + 0.002
    still = _opened(convert_probed(case.path, case.media, "png", (tmp_path, tools), **_small_size(video)).path)

    decoded = frames_between(case.path, video.index, (seconds, seconds), still.size)[0]
    mean, spread = luma_stats(still)

    assert _expected_size(case) == (video.shown.width, video.shown.height)
    assert mean > 10
    assert spread > 5
    if not decoded.hdr:
        assert (max_difference(still, decoded.image), color_difference(still, decoded.image)) <= (
            MAX_STILL_DIFFERENCE,
            MAX_STILL_COLOR_DIFFERENCE,
        )


@pytest.mark.parametrize("case", [path for path in VIDEO_FILES if path not in HUGE], indirect=True)
def test_a_clip_shows_the_same_frames_at_the_same_times(case, tools, tmp_path):
    output = ("mp4", "webm")[zlib.crc32(case.corpus_file.path.encode()) % 2]
    cut = {} if case.is_short else dict(zip(("start", "end"), SECONDS, strict=True))
    converted = convert_probed(case.path, case.media, output, (tmp_path, tools), **_small_size(case.media.video), **cut)

    _assert_frames(case, converted)
    _assert_time(case, converted)
    _assert_audio(case, converted)
    assert _unexpected_tags(converted.path) == set()


@pytest.mark.parametrize("path", INTERLACED)
def test_interlaced_frames_are_deinterlaced(path, corpus, tools, tmp_path):
    converted = convert_probed(corpus / path, probe(corpus / path, tools), "png", (tmp_path, tools))
    assert combing(_opened(converted.path)) < 0.9


def _assert_frames(case, converted):
    middle = sum(case.span) / 2
    size = (converted.facts.width, converted.facts.height)
    clip = frames_between(converted.path, 0, (middle - case.span[0],) * 2, size)[0]
    tolerance = 0.001 if case.is_short else max(case.step, 1 / 30)
    decoded = frames_between(case.path, case.media.video.index, (max(0, middle - tolerance), middle + tolerance), size)
    if decoded[0].hdr:
        assert case.corpus_file.path in BLANK or 20 < luma_stats(clip.image)[0] < 235
    else:
        assert min(max_difference(clip.image, view.image) for view in decoded) <= MAX_CLIP_DIFFERENCE
        assert min(color_difference(clip.image, view.image) for view in decoded) <= MAX_CLIP_COLOR_DIFFERENCE


def _assert_time(case, converted):
    video, source = converted.media.video, case.media.video
    seconds = source.duration if case.is_short else min(SECONDS[1], source.start + source.duration) - SECONDS[0]
    assert video.duration == pytest.approx(seconds, abs=max(0.05, case.step) + 0.01)
    if case.is_short:
        assert _times_after_first(converted.path, 0) == pytest.approx(
            _times_after_first(case.path, source.index), abs=0.01
        )


def _assert_audio(case, converted):
    sound, kept = case.media.audio, converted.media.audio
    assert (sound is None) == (kept is None)
    if sound is None:
        return
    assert kept.channels == case.corpus_file.facts["av"]["streams"][sound.index]["channels"]
    late = first_audio_time(case.path, sound.index) - case.media.video.start if case.is_short else 0.0
    begins = first_audio_time(converted.path, kept.index) - converted.media.video.start
    assert begins == pytest.approx(late, abs=max(0.05, case.step) + 0.005)


def _times_after_first(path, index):
    """The times of the frames after the first one, from its time on."""
    first, *rest = frame_times(path, index)
    return [seconds - first for seconds in rest]


def _opened(path):
    with Image.open(path) as image:
        canvas = Image.new("RGBA", image.size, "white")
        canvas.alpha_composite(image.convert("RGBA"))
        return canvas.convert("RGB")


def _small_size(video):
    """Scale the shorter side, so that the other one is not too small to compare."""
    side = "width" if video.shown.width <= video.shown.height else "height"
    return {side: SIDE, "on_upscale": "clamp"}


def _expected_size(case):
    """The upright size with square pixels, by the manifest."""
    reported = case.corpus_file.facts["av"]["streams"][case.media.video.index]
    width, height = reported["width"], reported["height"]
    shape = Fraction(reported.get("sample_aspect_ratio", "1:1").replace(":", "/"))
    square_width = round(width * shape) if abs(width * (shape - 1)) >= 1 else width
    return (height, square_width) if reported.get("rotation", 0) % 180 else (square_width, height)


def _unexpected_tags(path):
    with av.open(f"file:{path}") as source:
        found = {name.lower() for tags in (source, *source.streams) for name in tags.metadata}
    return found - MUXER_TAGS - {"title", "artist", "album", "date", "track", "genre", "composer", "copyright"}
