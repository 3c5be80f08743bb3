"""Animations keep every frame, its duration, and the number of repeats."""

import pytest
from PIL import Image

from penstock.domain import errors

from .sample_images import BLUE, GREEN, RED, Animation, convert, facts

pytestmark = pytest.mark.media

HOLE = (0, 0, 0, 0)
ANIMATIONS = ["gif", "webp", "png", "avif"]
COLOURS = ["red", "green", "blue"]


@pytest.fixture
def video_case(tmp_path):
    def save(suffix, colors=(RED, GREEN, BLUE), times=(100, 200, 300), **options):
        first, *rest = [Image.new("RGBA" if HOLE in colors else "RGB", (64, 48), color) for color in colors]
        path = tmp_path / f"input.{suffix}"
        first.save(path, save_all=True, append_images=rest, duration=list(times), **{"loop": 0, **options})
        return path

    return save


@pytest.mark.parametrize("suffix", ["gif", "webp"])
@pytest.mark.parametrize("given", ANIMATIONS)
def test_frames_and_durations_are_kept(video_case, tmp_path, given, suffix):
    convert(video_case(given), tmp_path / f"output.{suffix}")
    assert Animation.of(tmp_path / f"output.{suffix}") == Animation(COLOURS, [100, 200, 300])


@pytest.mark.parametrize("given", ANIMATIONS)
def test_the_frames_and_duration_of_an_animation_are_probed(video_case, given):
    reported = facts(video_case(given))
    assert (reported.image.frames, reported.duration) == (3, pytest.approx(0.6))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("given", ANIMATIONS)
def test_a_still_is_the_first_frame(video_case, tmp_path, given, suffix):
    output = convert(video_case(given), tmp_path / f"output.{suffix}")
    assert getattr(output, "n_frames", 1) == 1
    assert Animation.of(video_case(given)).colors[0] == "red"


def test_a_gif_rounds_durations_and_keeps_their_sum(video_case, tmp_path):
    path = video_case("webp", [RED, GREEN] * 10, [75] * 20)
    convert(path, tmp_path / "output.gif")
    times = Animation.of(tmp_path / "output.gif").times
    assert (sum(times), set(times)) == (1500, {70, 80})


def test_a_gif_has_no_frames_too_short_for_viewers(video_case, tmp_path):
    path = video_case("webp", [RED, GREEN, BLUE] * 20, [17, 17, 16] * 20)
    convert(path, tmp_path / "output.gif")
    times = Animation.of(tmp_path / "output.gif").times
    assert (sum(times), min(times) >= 20) == (1000, True)


def test_an_animation_is_scaled_as_a_whole(video_case, tmp_path):
    output = convert(video_case("gif"), tmp_path / "output.gif", width=32)
    assert (output.size, output.n_frames) == ((32, 24), 3)


@pytest.mark.parametrize("given", ["gif", "webp"])
@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_transparent_pixels_do_not_show_the_last_frame(video_case, tmp_path, given, suffix):
    convert(video_case("webp", [RED, HOLE, BLUE]), tmp_path / f"between.{given}")
    convert(tmp_path / f"between.{given}", tmp_path / f"output.{suffix}")
    assert Animation.of(tmp_path / f"output.{suffix}").colors == ["red", "transparent", "blue"]


PLAYS = [("gif", {"loop": 0}, 0), ("gif", {"loop": 2}, 3), ("webp", {"loop": 3}, 3), ("png", {"loop": 1}, 1)]


@pytest.mark.parametrize(("given", "options", "plays"), PLAYS)
def test_the_number_of_repeats_is_kept(video_case, tmp_path, given, options, plays):
    path = video_case(given, **options)
    assert convert(path, tmp_path / "output.webp").info["loop"] == plays
    assert convert(path, tmp_path / "output.gif").info.get("loop", "once") == {0: 0, 3: 2, 1: "once"}[plays]


def test_an_animation_is_cut(video_case, tmp_path):
    convert(video_case("gif"), tmp_path / "output.webp", start=0.05, end=0.35)
    assert Animation.of(tmp_path / "output.webp") == Animation(COLOURS, [50, 200, 50])


def test_an_image_before_an_animation_is_no_frame_of_it(video_case, tmp_path):
    path = video_case("png", [BLUE, RED, GREEN], [100, 200], default_image=True)
    assert (facts(path).image.frames, facts(path).duration) == (2, pytest.approx(0.3))
    convert(path, tmp_path / "output.webp")
    assert Animation.of(tmp_path / "output.webp").colors == ["red", "green"]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_frame_without_a_duration_gets_that_of_viewers(video_case, tmp_path, suffix):
    path = video_case("gif", times=(0, 0, 0))
    assert facts(path).duration == pytest.approx(0.3)
    convert(path, tmp_path / f"output.{suffix}")
    assert Animation.of(tmp_path / f"output.{suffix}") == Animation(COLOURS, [100, 100, 100])


def test_equal_frames_keep_their_duration(video_case, tmp_path):
    convert(video_case("webp", [RED, RED, GREEN], [40, 50, 60]), tmp_path / "output.gif")
    assert sum(Animation.of(tmp_path / "output.gif").times) == 150


def test_a_gif_of_too_many_frames_is_rejected_undecoded(tmp_path):
    head = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\4\0\1\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    (tmp_path / "input.gif").write_bytes(head + frame * 1001 + b";")
    with pytest.raises(errors.InputLimitsExceeded):
        facts(tmp_path / "input.gif")
