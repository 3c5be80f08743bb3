"""What a good output is: right pixels, in time, no worse than it must be."""

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
from tests.engines.images.pictures import distance
from tests.engines.witness import moments, shown

pytestmark = pytest.mark.media


@pytest.fixture
def made_of(media, room, tools):
    return lambda name, output, **fields: convert(media(name), output, room, tools, **fields).path


@pytest.mark.parametrize(("name", "size"), [("turned.mp4", (120, 160)), ("wide-pixels.mp4", (240, 120))])
def test_the_output_is_upright_with_square_pixels(name, size, media, room, tools):
    made = convert(media(name), "mp4", room, tools)
    video = made.media.video
    assert (made.facts.width, made.facts.height) == size
    assert (video.rotation, video.mirrored, video.sar) == (0, False, 1)


@pytest.mark.parametrize("output", ["mp4", "png", "gif"])
def test_a_turned_picture_stands_upright(output, media, room, tools):
    made = convert(media("turned-halves.mp4"), output, room, tools)
    picture = _still_of(made.path, room, tools) if output == "mp4" else _picture(made.path)
    below, above = picture.getpixel((60, 140)), picture.getpixel((60, 20))
    assert _is_red(below)
    assert not _is_red(above)


@pytest.mark.parametrize("name", ["hdr.mp4", "full-range.avi", "interlaced.mp4"])
def test_the_output_has_colours_that_play_everywhere(name, media, room, tools):
    video = convert(media(name), "mp4", room, tools).media.video
    assert (video.pixel_format, video.full_range, video.interlaced) == ("yuv420p", False, False)
    assert video.transfer != "smpte2084"


@pytest.mark.parametrize("name", ["rec2020.mp4", "p3.mp4"])
@pytest.mark.parametrize("output", ["mp4", "webm", "png", "gif"])
def test_wide_colours_look_the_same_on_every_screen(name, output, media, room, tools):
    path = convert(media(name), output, room, tools).path
    picture = _still_of(path, room, tools) if output in ("mp4", "webm") else _picture(path)
    assert picture.getpixel((80, 60)) == pytest.approx((0xC8, 0x32, 0x28), abs=4)


@pytest.mark.parametrize("output", ["webm", "png", "gif"])
def test_a_bright_picture_may_have_odd_sides(output, media, room, tools):
    facts = convert(media("hdr.mp4"), output, room, tools, width=81).facts
    assert (facts.width, facts.height) == (81, 61)


def test_transparency_stays_in_webm_and_goes_on_the_background_elsewhere(media, room, tools):
    assert convert(media("alpha.webm"), "webm", room, tools, width=32).media.video.alpha
    still = convert(media("alpha.webm"), "jpeg", room, tools, background="#0000ff")
    red, _, blue = _picture(still.path).getpixel((32, 32))
    assert red > 90
    assert blue > 90


def test_a_flattened_video_shows_its_background(media, room, tools):
    made = convert(media("alpha.webm"), "mp4", room, tools, background="#0000ff")
    red, _, blue = _still_of(made.path, room, tools).getpixel((32, 32))
    assert red > 90
    assert blue > 90


@pytest.mark.parametrize(("output", "size"), [("mp4", (160, 120)), ("webm", (161, 121)), ("avi", (161, 121))])
def test_odd_sides_are_made_even_only_where_they_must_be(output, size, media, room, tools):
    facts = convert(media("odd.webm"), output, room, tools, quality=0.3).facts
    assert (facts.width, facts.height) == size


_BOXES = [(fit, *sides) for fit in ("cover", "pad") for sides in ((81, 33), (80, 33), (33, 80))]


@pytest.mark.parametrize("box", _BOXES)
@pytest.mark.parametrize("output", ["webm", "avi", "gif", "png"])
def test_a_box_may_have_odd_sides(output, box, media, room, tools):
    fit, width, height = box
    facts = convert(media("clip.mp4"), output, room, tools, width=width, height=height, fit=fit).facts
    assert (facts.width, facts.height) == (width, height)


def test_bars_at_odd_sides_leave_what_is_transparent(media, room, tools):
    sides = {"width": 33, "height": 45, "fit": "pad", "background": "#0000ff"}
    made = convert(media("alpha.webm"), "webm", room, tools, **sides)
    assert made.media.video.alpha
    still = convert(made.path, "png", room, tools, at=0)
    corner, middle = (_picture(still.path, "RGBA").getpixel(at) for at in ((16, 2), (16, 22)))
    assert corner == pytest.approx((0, 0, 255, 255), abs=10)
    assert 0 < middle[3] < 250


def test_a_single_pixel_becomes_a_video(media, room, tools):
    assert convert(media("pixel.mp4"), "mp4", room, tools).facts.width == 2


@pytest.mark.parametrize(
    ("fit", "size"), [("contain", (80, 60)), ("cover", (80, 80)), ("fill", (80, 80)), ("pad", (80, 80))]
)
def test_a_box_is_met_as_fit_says(fit, size, media, room, tools):
    facts = convert(media("clip.mp4"), "mp4", room, tools, width=80, height=80, fit=fit).facts
    assert (facts.width, facts.height) == size


def test_bars_have_the_background(media, room, tools):
    made = convert(media("clip.mp4"), "png", room, tools, width=80, height=80, fit="pad", background="#00ff00")
    assert _picture(made.path).getpixel((40, 2)) == (0, 255, 0)


@pytest.mark.parametrize("output", ["mp4", "webm", "avi", "gif"])
def test_a_cut_within_the_last_picture_shows_that_picture(output, media, room, tools):
    film = probe(media("clip.mp4"), tools).video
    assert not film.variable_rate
    last = film.start + film.duration - 0.2 / film.fps
    made = convert(media("clip.mp4"), output, room, tools, start=round(last, 3))
    assert (made.facts.width, made.facts.height) == (film.shown.width, film.shown.height)


@pytest.mark.parametrize("output", ["mp4", "webm", "avi", "gif"])
def test_a_cut_between_pictures_that_stand_long_shows_the_one_before(output, media, room, tools):
    made = convert(media("slow.mp4"), output, room, tools, start=13, end=14)
    assert made.facts.duration == pytest.approx(1, abs=0.21)
    first = _picture(made.path) if output == "gif" else _still_of(made.path, room, tools)
    before, after = (_picture(convert(media("slow.mp4"), "png", room, tools, at=at).path) for at in (13, 20))
    assert distance(first, before) < distance(first, after)


def test_what_plays_already_is_copied_bit_for_bit(media, room, tools):
    made = convert(media("clip.mp4"), "mov", room, tools)
    assert made.facts.codecs == "h264,aac"
    assert made.facts.filesize < media("clip.mp4").stat().st_size * 1.1


def test_the_index_of_an_mp4_stands_first(media, room, tools):
    head = convert(media("clip.mkv"), "mp4", room, tools).path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


def test_a_mov_has_its_own_brand(media, room, tools):
    assert convert(media("clip.mkv"), "mov", room, tools).path.read_bytes()[8:12] == b"qt  "


def test_titles_survive_and_places_do_not(media, room, tools):
    made = convert(media("clip.mp4"), "mp4", room, tools, width=80)
    assert made.media.tags == {"title": "A clip"}
    assert b"+52.5" not in made.path.read_bytes()


@pytest.mark.parametrize("output", ["mp3", "ogg", "flac", "wav"])
def test_titles_survive_in_every_audio_format(output, media, room, tools):
    assert convert(media("tone.mp3"), output, room, tools).media.tags["title"] == "A tone"


@pytest.mark.parametrize("output", ["mp4", "webm", "avi", "wav", "mp3", "gif"])
def test_a_cut_is_as_long_as_it_should_be(output, media, room, tools):
    made = convert(media("clip.mp4"), output, room, tools, start=0.24, end=0.76)
    assert made.facts.duration == pytest.approx(0.52, abs=0.1)


@pytest.mark.parametrize("samples", [12, 4084])
def test_a_sound_may_be_cut_anywhere_in_a_block(samples, media, room, tools):
    made = convert(media("clip.mov"), "flac", room, tools, start=round((2 * 4096 - samples) / 48_000, 6), end=0.8)
    assert made.facts.duration == pytest.approx(0.8 - (2 * 4096 - samples) / 48_000, abs=0.001)


def test_a_cut_begins_with_the_frame_on_screen(media, room, tools):
    made = convert(media("black-start.mp4"), "mp4", room, tools, start=2.1, end=3)
    assert _brightness(_still_of(made.path, room, tools)) > 60


@pytest.mark.parametrize("output", ["mp4", "webm", "avi"])
@pytest.mark.parametrize(("name", "start"), [("clip.mkv", 0.26), ("clip.avi", 0.3), ("off-beat.mkv", 0.339)])
def test_no_picture_of_a_cut_is_further_from_its_time_than_half_of_one(name, start, output, media, made_of):
    given = [frame for frame in shown(media(name), 0) if abs(frame[0] - start) < 1]
    made = shown(made_of(name, output, start=start, end=start + 0.5, width=158, quality=1), 0)
    half = (given[1][0] - given[0][0]) / 2
    own = [min(given, key=lambda frame: distance(frame[1], picture))[0] for _, picture in made]
    late = [at - (of - start) for (at, _), of in zip(made, own, strict=True)]
    assert late == pytest.approx([0] * len(made), abs=half + 0.002)


@pytest.mark.parametrize("output", ["mp4", "avi"])
def test_a_cut_begins_with_the_frame_on_screen_however_long_ago_it_came(output, media, made_of):
    given = shown(media("slides.mkv"), 0)
    first = shown(made_of("slides.mkv", output, start=30.5, end=32, width=158, quality=1), 0)[0][1]
    assert min(given, key=lambda frame: distance(frame[1], first))[0] == pytest.approx(16, abs=0.01)


def test_a_cut_before_the_first_picture_shows_that(media, room, tools):
    made = convert(media("awaited.mkv"), "avi", room, tools, start=0.1, end=0.4)
    assert made.media.video.duration == pytest.approx(0.3, abs=0.05)


def test_damage_in_what_is_copied_is_no_fault_of_what_was_encoded(media, room, tools):
    made = convert(media("joined.avi"), "avi", room, tools, width=80)
    assert isinstance(made.plan.audio, Copy)


@pytest.mark.parametrize("output", ["mp4", "mov", "webm"])
@pytest.mark.parametrize("name", ["stopping.mp4", "ending.mp4"])
def test_the_last_picture_stands_as_long_as_it_did(name, output, media, room, tools):
    made = convert(media(name), output, room, tools, width=80)
    lasting = probe(media(name), tools).duration
    assert (made.media.duration, made.media.header_duration) == pytest.approx((lasting, lasting), abs=0.01)


@pytest.mark.parametrize("output", ["mp4", "webm"])
@pytest.mark.parametrize("name", ["uneven.mp4", "standing.mp4"])
def test_an_uneven_pace_is_kept_in_time(name, output, media, room, tools):
    made = convert(media(name), output, room, tools, width=80)
    assert moments(made.path, 0) == pytest.approx(moments(media(name), 0), abs=0.002)
    assert made.media.duration == pytest.approx(probe(media(name), tools).duration, abs=0.1)


@pytest.mark.parametrize("cut", [{}, {"end": 0.9}])
def test_no_picture_of_an_uneven_pace_is_late_in_an_avi(cut, media, room, tools):
    given = shown(media("rushing.mp4"), 0)
    made = shown(convert(media("rushing.mp4"), "avi", room, tools, quality=1, **cut).path, 0)
    own = [min(given, key=lambda frame: distance(frame[1], picture))[0] for _, picture in made]
    longest, pace = 1 / 15, made[1][0]
    assert all(-pace < at - of < longest + pace for (at, _), of in zip(made, own, strict=True))


def test_sound_and_picture_stay_as_far_apart_as_they_were(media, room, tools):
    made = convert(media("late.mkv"), "mp4", room, tools, width=80).media
    assert made.audio.start - made.video.start == pytest.approx(0.4, abs=0.06)


def test_a_representative_still_is_not_one_that_cannot_be_seen(media, room, tools):
    shown = _picture(convert(media("unseen.webm"), "jpeg", room, tools).path)
    assert len(shown.getcolors(320 * 180)) > 100


def test_a_representative_still_is_not_black(media, room, tools):
    assert _brightness(_picture(convert(media("black-start.mp4"), "png", room, tools).path)) > 60


def test_a_still_is_the_frame_on_screen_at_its_moment(media, room, tools):
    dark = convert(media("black-start.mp4"), "png", room, tools, at=1.99)
    assert _brightness(_picture(dark.path)) < 5


def test_the_very_last_moment_still_has_a_frame(media, room, tools):
    assert convert(media("clip.mp4"), "jpeg", room, tools, at=0.999).facts.width == 160


def test_a_gif_has_the_colours_of_its_last_slide(media, room, tools):
    with Image.open(convert(media("slides.mp4"), "gif", room, tools).path) as moving:
        moving.seek(moving.n_frames - 1)
        red, green, blue = moving.convert("RGB").getpixel((80, 60))
    assert blue > 240
    assert max(red, green) < 16


def test_a_gif_moves_for_ever(media, room, tools):
    made = convert(media("clip.mp4"), "gif", room, tools)
    assert made.facts.frames == pytest.approx(17, abs=1)
    with Image.open(made.path) as moving:
        assert moving.info["loop"] == 0


def test_lower_quality_is_smaller_on_every_format(media, room, tools):
    for output in ("mp4", "webm", "avi", "gif", "jpeg", "webp", "png"):
        sizes = [
            convert(media("long.mp4"), output, room, tools, quality=quality, **_short(output)).facts.filesize
            for quality in (0.2, 1)
        ]
        assert sizes[0] < sizes[1], output


def test_progress_only_grows_and_ends_at_a_hundred(media, room, tools):
    told = []

    class Listening(NoWatch):
        def progress(self, percent):
            told.append(percent)

    source, plan = _planned(media("long.mp4"), "webm", tools, width=160)
    encode(plan, source, room, tools, Listening())
    assert told == sorted(told)
    assert told[-1] == 100


def test_a_cancelled_encoder_is_dead_and_its_output_unfinished(media, room, tools):
    class Stopping(NoWatch):
        def stopped(self):
            return (room / "output.webm").exists()

    source, plan = _planned(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.Cancelled):
        encode(plan, source, room, tools, Stopping())
    assert not _processes_on(room)


def test_an_encoder_that_takes_too_long_is_given_up(media, room, tools):
    hasty = replace(tools, limits=Limits(transcode_min_seconds=0.3, transcode_seconds_per_second=0))
    source, plan = _planned(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.EncoderTimeout):
        encode(plan, source, room, hasty)
    assert not _processes_on(room)


def test_a_picture_that_takes_too_long_is_given_up(room, tools):
    Image.effect_noise((1600, 1600), 80).convert("RGB").save(room / "noise.bmp")
    hasty = replace(tools, limits=Limits(transcode_min_seconds=0.01))
    source, plan = _planned(room / "noise.bmp", "webp", tools, quality=1)
    with pytest.raises(errors.EncoderTimeout):
        encode(plan, source, room, hasty)


def test_an_output_that_is_too_large_is_a_limit(media, room, tools):
    small = replace(tools, limits=Limits(output_bytes=10_000))
    source, plan = _planned(media("clip.mp4"), "wav", tools)
    with pytest.raises(errors.ResourceLimit, match="larger"):
        encode(plan, source, room, small)


@pytest.mark.parametrize("output", ["jpeg", "png", "webp", "gif"])
def test_a_picture_that_is_too_large_is_a_limit(output, room, tools, tmp_path):
    Image.effect_noise((600, 600), 80).save(tmp_path / "noise.jpg")
    small = replace(tools, limits=Limits(output_bytes=100_000))
    source, plan = _planned(tmp_path / "noise.jpg", output, tools, quality=1)
    with pytest.raises(errors.ResourceLimit, match="larger"):
        encode(plan, source, room, small)


def test_a_sound_of_which_nothing_decodes_is_unreadable(media, room, tools):
    with pytest.raises(errors.InputUnreadable, match="damaged"):
        convert(media("deaf.mka"), "mp3", room, tools)


def test_an_encoder_without_memory_is_a_limit_or_gives_up(media, room, tools):
    poor = replace(tools, limits=Limits(child_memory_bytes=300 << 20))
    source, plan = _planned(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.EngineError) as failed:
        encode(plan, source, room, poor)
    assert str(room) not in failed.value.message


def test_an_encoder_that_is_killed_is_no_success(media, room, tools):
    class Killing(NoWatch):
        def stopped(self):
            for pid in _processes_on(room):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return False

    source, plan = _planned(media("long.mp4"), "webm", tools)
    with pytest.raises(errors.ResourceShortage) as killed:
        encode(plan, source, room, tools, Killing())
    assert killed.value.transient


def _planned(path, output, tools, **fields):
    found = probe(path, tools)
    return MediaFile(path, found), plan_for(request_for(output, **fields), found, tools.limits)


def _short(output):
    return {"end": 1, "width": 160} if output in ("mp4", "webm", "avi", "gif") else {"width": 160}


def _still_of(path, room, tools):
    other = room / "still"
    other.mkdir()
    return _picture(convert(path, "png", other, tools, at=0).path)


def _is_red(pixel):
    return pixel[0] > 200 and pixel[2] < 100


def _picture(path, mode="RGB"):
    with Image.open(path) as picture:
        return picture.convert(mode)


def _brightness(picture):
    grey = picture.convert("L").resize((1, 1))
    return grey.getpixel((0, 0))


def _processes_on(room):
    """The processes that have this room in their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(room).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
