"""Whole conversions: the right pixels, at the right time, at the requested quality; and how they fail."""

import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.planning.plan import Copy
from penstock.domain.planning.planner import plan_for
from penstock.engines import MediaFile, NoWatch, encode, probe
from tests.engines.conversions import convert, request_for
from tests.engines.images.sample_images import luma_difference
from tests.engines.independent_decoder import decoded, frame_times

pytestmark = pytest.mark.media


@pytest.fixture
def convert_media(media, tmp_path, tools):
    return lambda name, output, **fields: convert(media(name), output, tmp_path, tools, **fields).path


@pytest.mark.parametrize(("name", "size"), [("rotated.mp4", (120, 160)), ("wide-pixels.mp4", (240, 120))])
def test_the_output_is_upright_with_square_pixels(name, size, media, tmp_path, tools):
    converted = convert(media(name), "mp4", tmp_path, tools)
    video = converted.media.video
    assert (converted.facts.width, converted.facts.height) == size
    assert (video.rotation, video.mirrored, video.sar) == (0, False, 1)


@pytest.mark.parametrize("output", ["mp4", "png", "gif"])
def test_a_rotated_video_becomes_upright(output, media, tmp_path, tools):
    converted = convert(media("rotated-halves.mp4"), output, tmp_path, tools)
    image = _first_frame(converted.path, tmp_path, tools) if output == "mp4" else _opened(converted.path)
    below, above = image.getpixel((60, 140)), image.getpixel((60, 20))
    assert _is_red(below)
    assert not _is_red(above)


@pytest.mark.parametrize("name", ["hdr.mp4", "full-range.avi", "interlaced.mp4"])
def test_the_output_has_a_pixel_format_that_plays_everywhere(name, media, tmp_path, tools):
    video = convert(media(name), "mp4", tmp_path, tools).media.video
    assert (video.pixel_format, video.full_range, video.interlaced) == ("yuv420p", False, False)
    assert video.transfer != "smpte2084"


@pytest.mark.parametrize("name", ["rec2020.mp4", "p3.mp4"])
@pytest.mark.parametrize("output", ["mp4", "webm", "png", "gif"])
def test_a_wide_gamut_is_converted_to_bt709(name, output, media, tmp_path, tools):
    path = convert(media(name), output, tmp_path, tools).path
    image = _first_frame(path, tmp_path, tools) if output in ("mp4", "webm") else _opened(path)
    assert image.getpixel((80, 60)) == pytest.approx((0xC8, 0x32, 0x28), abs=4)


@pytest.mark.parametrize("output", ["webm", "png", "gif"])
def test_hdr_may_have_odd_sizes(output, media, tmp_path, tools):
    facts = convert(media("hdr.mp4"), output, tmp_path, tools, width=81).facts
    assert (facts.width, facts.height) == (81, 61)


def test_transparency_is_kept_in_webm_and_flattened_elsewhere(media, tmp_path, tools):
    assert convert(media("alpha.webm"), "webm", tmp_path, tools, width=32).media.video.alpha
    still = convert(media("alpha.webm"), "jpeg", tmp_path, tools, background="#0000ff")
    red, _, blue = _opened(still.path).getpixel((32, 32))
    assert red > 90
    assert blue > 90


def test_a_flattened_video_shows_its_background(media, tmp_path, tools):
    converted = convert(media("alpha.webm"), "mp4", tmp_path, tools, background="#0000ff")
    red, _, blue = _first_frame(converted.path, tmp_path, tools).getpixel((32, 32))
    assert red > 90
    assert blue > 90


@pytest.mark.parametrize(("output", "size"), [("mp4", (160, 120)), ("webm", (161, 121)), ("avi", (161, 121))])
def test_odd_sizes_become_even_only_for_mp4(output, size, media, tmp_path, tools):
    facts = convert(media("odd.webm"), output, tmp_path, tools, quality=0.3).facts
    assert (facts.width, facts.height) == size


_BOXES = [(fit, *sides) for fit in ("cover", "pad") for sides in ((81, 33), (80, 33), (33, 80))]


@pytest.mark.parametrize("box", _BOXES)
@pytest.mark.parametrize("output", ["webm", "avi", "gif", "png"])
def test_a_box_may_have_odd_sizes(output, box, media, tmp_path, tools):
    fit, width, height = box
    facts = convert(media("clip.mp4"), output, tmp_path, tools, width=width, height=height, fit=fit).facts
    assert (facts.width, facts.height) == (width, height)


def test_padding_to_odd_sizes_keeps_transparency(media, tmp_path, tools):
    sides = {"width": 33, "height": 45, "fit": "pad", "background": "#0000ff"}
    converted = convert(media("alpha.webm"), "webm", tmp_path, tools, **sides)
    assert converted.media.video.alpha
    still = convert(converted.path, "png", tmp_path, tools, at=0)
    corner, middle = (_opened(still.path, "RGBA").getpixel(at) for at in ((16, 2), (16, 22)))
    assert corner == pytest.approx((0, 0, 255, 255), abs=10)
    assert 0 < middle[3] < 250


def test_a_video_of_one_pixel_is_encoded(media, tmp_path, tools):
    assert convert(media("pixel.mp4"), "mp4", tmp_path, tools).facts.width == 2


@pytest.mark.parametrize(
    ("fit", "size"), [("contain", (80, 60)), ("cover", (80, 80)), ("fill", (80, 80)), ("pad", (80, 80))]
)
def test_each_fit_gives_its_video_size(fit, size, media, tmp_path, tools):
    facts = convert(media("clip.mp4"), "mp4", tmp_path, tools, width=80, height=80, fit=fit).facts
    assert (facts.width, facts.height) == size


def test_padding_has_the_background_color(media, tmp_path, tools):
    converted = convert(media("clip.mp4"), "png", tmp_path, tools, width=80, height=80, fit="pad", background="#00ff00")
    assert _opened(converted.path).getpixel((40, 2)) == (0, 255, 0)


@pytest.mark.parametrize("output", ["mp4", "webm", "avi", "gif"])
def test_a_cut_within_the_last_frame_shows_that_frame(output, media, tmp_path, tools):
    video_case = probe(media("clip.mp4"), tools).video
    assert not video_case.variable_rate
    last = video_case.start + video_case.duration - 0.2 / video_case.fps
    converted = convert(media("clip.mp4"), output, tmp_path, tools, start=round(last, 3))
    assert (converted.facts.width, converted.facts.height) == (video_case.shown.width, video_case.shown.height)


@pytest.mark.parametrize("output", ["mp4", "webm", "avi", "gif"])
def test_a_cut_between_long_frames_shows_the_one_before(output, media, tmp_path, tools):
    converted = convert(media("slow.mp4"), output, tmp_path, tools, start=13, end=14)
    assert converted.facts.duration == pytest.approx(1, abs=0.21)
    first = _opened(converted.path) if output == "gif" else _first_frame(converted.path, tmp_path, tools)
    before, after = (_opened(convert(media("slow.mp4"), "png", tmp_path, tools, at=at).path) for at in (13, 20))
    assert luma_difference(first, before) < luma_difference(first, after)


def test_a_stream_that_plays_everywhere_is_copied(media, tmp_path, tools):
    converted = convert(media("clip.mp4"), "mov", tmp_path, tools)
    assert converted.facts.codecs == "h264,aac"
    assert converted.facts.filesize < media("clip.mp4").stat().st_size * 1.1


def test_the_index_of_an_mp4_comes_first(media, tmp_path, tools):
    head = convert(media("clip.mkv"), "mp4", tmp_path, tools).path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


def test_a_mov_has_its_own_brand(media, tmp_path, tools):
    assert convert(media("clip.mkv"), "mov", tmp_path, tools).path.read_bytes()[8:12] == b"qt  "


def test_titles_are_kept_and_locations_are_removed(media, tmp_path, tools):
    converted = convert(media("clip.mp4"), "mp4", tmp_path, tools, width=80)
    assert converted.media.tags == {"title": "A clip"}
    assert b"+52.5" not in converted.path.read_bytes()


@pytest.mark.parametrize("output", ["mp3", "ogg", "flac", "wav"])
def test_titles_are_kept_in_every_audio_format(output, media, tmp_path, tools):
    assert convert(media("tone.mp3"), output, tmp_path, tools).media.tags["title"] == "A tone"


@pytest.mark.parametrize("output", ["mp4", "webm", "avi", "wav", "mp3", "gif"])
def test_a_cut_has_the_requested_duration(output, media, tmp_path, tools):
    converted = convert(media("clip.mp4"), output, tmp_path, tools, start=0.24, end=0.76)
    assert converted.facts.duration == pytest.approx(0.52, abs=0.1)


@pytest.mark.parametrize("samples", [12, 4084])
def test_audio_may_be_cut_anywhere_in_a_block(samples, media, tmp_path, tools):
    converted = convert(
        media("clip.mov"), "flac", tmp_path, tools, start=round((2 * 4096 - samples) / 48_000, 6), end=0.8
    )
    assert converted.facts.duration == pytest.approx(0.8 - (2 * 4096 - samples) / 48_000, abs=0.001)


def test_a_cut_begins_with_the_frame_on_screen(media, tmp_path, tools):
    converted = convert(media("black-start.mp4"), "mp4", tmp_path, tools, start=2.1, end=3)
    assert _brightness(_first_frame(converted.path, tmp_path, tools)) > 60


@pytest.mark.parametrize("output", ["mp4", "webm", "avi"])
@pytest.mark.parametrize(("name", "start"), [("clip.mkv", 0.26), ("clip.avi", 0.3), ("offset-timestamps.mkv", 0.339)])
def test_frames_of_a_cut_are_off_by_at_most_half_a_frame(name, start, output, media, convert_media):
    given = [frame for frame in decoded(media(name), 0) if abs(frame[0] - start) < 1]
    converted = decoded(convert_media(name, output, start=start, end=start + 0.5, width=158, quality=1), 0)
    half = (given[1][0] - given[0][0]) / 2
    matching = [min(given, key=lambda frame: luma_difference(frame[1], image))[0] for _, image in converted]
    late = [at - (of - start) for (at, _), of in zip(converted, matching, strict=True)]
    assert late == pytest.approx([0] * len(converted), abs=half + 0.002)


@pytest.mark.parametrize("output", ["mp4", "avi"])
def test_a_cut_begins_with_a_frame_shown_since_long_before(output, media, convert_media):
    given = decoded(media("slides.mkv"), 0)
    first = decoded(convert_media("slides.mkv", output, start=30.5, end=32, width=158, quality=1), 0)[0][1]
    assert min(given, key=lambda frame: luma_difference(frame[1], first))[0] == pytest.approx(16, abs=0.01)


def test_a_cut_before_the_first_frame_shows_that_frame(media, tmp_path, tools):
    converted = convert(media("late-video.mkv"), "avi", tmp_path, tools, start=0.1, end=0.4)
    assert converted.media.video.duration == pytest.approx(0.3, abs=0.05)


def test_damage_in_a_copied_stream_is_accepted(media, tmp_path, tools):
    converted = convert(media("damaged-audio.avi"), "avi", tmp_path, tools, width=80)
    assert isinstance(converted.plan.audio, Copy)


@pytest.mark.parametrize("output", ["mp4", "mov", "webm"])
@pytest.mark.parametrize("name", ["long-last-frames.mp4", "long-last-frame.mp4"])
def test_the_last_frame_lasts_as_long_as_in_the_input(name, output, media, tmp_path, tools):
    converted = convert(media(name), output, tmp_path, tools, width=80)
    lasting = probe(media(name), tools).duration
    assert (converted.media.duration, converted.media.header_duration) == pytest.approx((lasting, lasting), abs=0.01)


@pytest.mark.parametrize("output", ["mp4", "webm"])
@pytest.mark.parametrize("name", ["variable-rate.mp4", "long-middle-frame.mp4"])
def test_a_variable_frame_rate_is_kept(name, output, media, tmp_path, tools):
    converted = convert(media(name), output, tmp_path, tools, width=80)
    assert frame_times(converted.path, 0) == pytest.approx(frame_times(media(name), 0), abs=0.002)
    assert converted.media.duration == pytest.approx(probe(media(name), tools).duration, abs=0.1)


@pytest.mark.parametrize("cut", [{}, {"end": 0.9}])
def test_no_frame_of_a_variable_rate_is_late_in_avi(cut, media, tmp_path, tools):
    given = decoded(media("accelerating.mp4"), 0)
    converted = decoded(convert(media("accelerating.mp4"), "avi", tmp_path, tools, quality=1, **cut).path, 0)
    matching = [min(given, key=lambda frame: luma_difference(frame[1], image))[0] for _, image in converted]
    longest, pace = 1 / 15, converted[1][0]
    assert all(-pace < at - of < longest + pace for (at, _), of in zip(converted, matching, strict=True))


def test_the_offset_between_audio_and_video_is_kept(media, tmp_path, tools):
    converted = convert(media("late-audio.mkv"), "mp4", tmp_path, tools, width=80).media
    assert converted.audio.start - converted.video.start == pytest.approx(0.4, abs=0.06)


def test_a_representative_still_is_not_transparent(media, tmp_path, tools):
    decoded = _opened(convert(media("transparent-start.webm"), "jpeg", tmp_path, tools).path)
    assert len(decoded.getcolors(320 * 180)) > 100


def test_a_representative_still_is_not_black(media, tmp_path, tools):
    assert _brightness(_opened(convert(media("black-start.mp4"), "png", tmp_path, tools).path)) > 60


def test_a_still_is_the_frame_on_screen_at_its_time(media, tmp_path, tools):
    dark = convert(media("black-start.mp4"), "png", tmp_path, tools, at=1.99)
    assert _brightness(_opened(dark.path)) < 5


def test_the_end_of_the_video_has_a_frame(media, tmp_path, tools):
    assert convert(media("clip.mp4"), "jpeg", tmp_path, tools, at=0.999).facts.width == 160


def test_a_gif_has_the_colors_of_its_last_frame(media, tmp_path, tools):
    with Image.open(convert(media("slides.mp4"), "gif", tmp_path, tools).path) as animation:
        animation.seek(animation.n_frames - 1)
        red, green, blue = animation.convert("RGB").getpixel((80, 60))
    assert blue > 240
    assert max(red, green) < 16


def test_a_gif_repeats_for_ever(media, tmp_path, tools):
    converted = convert(media("clip.mp4"), "gif", tmp_path, tools)
    assert converted.facts.frames == pytest.approx(17, abs=1)
    with Image.open(converted.path) as animation:
        assert animation.info["loop"] == 0


def test_lower_quality_is_smaller_in_every_format(media, tmp_path, tools):
    for output in ("mp4", "webm", "avi", "gif", "jpeg", "webp", "png"):
        sizes = [
            convert(media("long.mp4"), output, tmp_path, tools, quality=quality, **_short(output)).facts.filesize
            for quality in (0.2, 1)
        ]
        assert sizes[0] < sizes[1], output


def test_progress_only_increases_and_ends_at_100(media, tmp_path, tools):
    reported = []

    class RecordingWatch(NoWatch):
        def progress(self, percent):
            reported.append(percent)

    source, plan = _source_and_plan(media("long.mp4"), "webm", tools, width=160)
    encode(plan, source, tmp_path, tools, RecordingWatch())
    assert reported == sorted(reported)
    assert reported[-1] == 100


def test_a_cancelled_encoder_is_killed(media, tmp_path, tools):
    class StopsAfterStart(NoWatch):
        def stopped(self):
            return (tmp_path / "output.webm").exists()

    source, plan = _source_and_plan(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.Cancelled):
        encode(plan, source, tmp_path, tools, StopsAfterStart())
    assert not _processes_on(tmp_path)


def test_an_encoder_that_takes_too_long_is_stopped(media, tmp_path, tools):
    impatient = replace(tools, limits=Limits(transcode_min_seconds=0.3, transcode_seconds_per_second=0))
    source, plan = _source_and_plan(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.EncoderTimeout):
        encode(plan, source, tmp_path, impatient)
    assert not _processes_on(tmp_path)


def test_an_image_that_takes_too_long_is_stopped(tmp_path, tools):
    Image.effect_noise((1600, 1600), 80).convert("RGB").save(tmp_path / "noise.bmp")
    impatient = replace(tools, limits=Limits(transcode_min_seconds=0.01))
    source, plan = _source_and_plan(tmp_path / "noise.bmp", "webp", tools, quality=1)
    with pytest.raises(errors.EncoderTimeout):
        encode(plan, source, tmp_path, impatient)


def test_an_output_that_is_too_large_is_a_resource_limit(media, tmp_path, tools):
    small = replace(tools, limits=Limits(output_bytes=10_000))
    source, plan = _source_and_plan(media("clip.mp4"), "wav", tools)
    with pytest.raises(errors.ResourceLimit, match="larger"):
        encode(plan, source, tmp_path, small)


@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "gif"])
def test_an_image_that_is_too_large_is_a_resource_limit(output, tmp_path, tools):
    Image.effect_noise((600, 600), 80).save(tmp_path / "noise.jpg")
    small = replace(tools, limits=Limits(output_bytes=100_000))
    source, plan = _source_and_plan(tmp_path / "noise.jpg", output, tools, quality=1)
    with pytest.raises(errors.ResourceLimit, match="larger"):
        encode(plan, source, tmp_path, small)


def test_audio_that_cannot_be_decoded_is_unreadable(media, tmp_path, tools):
    with pytest.raises(errors.InputUnreadable, match="damaged"):
        convert(media("damaged-audio.mka"), "mp3", tmp_path, tools)


def test_an_encoder_out_of_memory_fails(media, tmp_path, tools):
    poor = replace(tools, limits=Limits(child_memory_bytes=300 << 20))
    source, plan = _source_and_plan(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.EngineError) as failed:
        encode(plan, source, tmp_path, poor)
    assert str(tmp_path) not in failed.value.message


def test_a_killed_encoder_is_a_resource_shortage(media, tmp_path, tools):
    class KillingWatch(NoWatch):
        def stopped(self):
            for pid in _processes_on(tmp_path):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return False

    source, plan = _source_and_plan(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.ResourceShortage) as killed:
        encode(plan, source, tmp_path, tools, KillingWatch())
    assert killed.value.transient


def _source_and_plan(path, output, tools, **fields):
    found = probe(path, tools)
    return MediaFile(path, found), plan_for(request_for(output, **fields), found, tools.limits)


def _short(output):
    return {"end": 1, "width": 160} if output in ("mp4", "webm", "avi", "gif") else {"width": 160}


def _first_frame(path, tmp_path, tools):
    other = tmp_path / "still"
    other.mkdir()
    return _opened(convert(path, "png", other, tools, at=0).path)


def _is_red(pixel):
    return pixel[0] > 200 and pixel[2] < 100


def _opened(path, mode="RGB"):
    with Image.open(path) as image:
        return image.convert(mode)


def _brightness(image):
    gray = image.convert("L").resize((1, 1))
    return gray.getpixel((0, 0))


def _processes_on(tmp_path):
    """The processes with this folder in their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(tmp_path).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
