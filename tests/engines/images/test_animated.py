"""Animations stay animations: every frame, for as long as it was shown, as often as it was shown."""

import pytest
from PIL import Image

from penstock.domain import errors

from .pictures import BLUE, GREEN, RED, Animation, convert, facts

pytestmark = pytest.mark.media

HOLE = (0, 0, 0, 0)
MOVING = ["gif", "webp", "png", "avif"]
COLOURS = ["red", "green", "blue"]


@pytest.fixture
def film(tmp_path):
    def save(suffix, colours=(RED, GREEN, BLUE), times=(100, 200, 300), **options):
        first, *rest = [Image.new("RGBA" if HOLE in colours else "RGB", (64, 48), colour) for colour in colours]
        path = tmp_path / f"input.{suffix}"
        first.save(path, save_all=True, append_images=rest, duration=list(times), **{"loop": 0, **options})
        return path

    return save


@pytest.mark.parametrize("suffix", ["gif", "webp"])
@pytest.mark.parametrize("given", MOVING)
def test_frames_and_times_survive(film, tmp_path, given, suffix):
    convert(film(given), tmp_path / f"output.{suffix}")
    assert Animation.of(tmp_path / f"output.{suffix}") == Animation(COLOURS, [100, 200, 300])


@pytest.mark.parametrize("given", MOVING)
def test_an_animation_tells_its_frames_and_length(film, given):
    told = facts(film(given))
    assert (told.image.frames, told.duration) == (3, pytest.approx(0.6))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("given", MOVING)
def test_a_still_is_the_first_frame(film, tmp_path, given, suffix):
    output = convert(film(given), tmp_path / f"output.{suffix}")
    assert getattr(output, "n_frames", 1) == 1
    assert Animation.of(film(given)).colours[0] == "red"


def test_a_gif_counts_in_hundredths_and_still_keeps_time(film, tmp_path):
    path = film("webp", [RED, GREEN] * 10, [75] * 20)
    convert(path, tmp_path / "output.gif")
    times = Animation.of(tmp_path / "output.gif").times
    assert (sum(times), set(times)) == (1500, {70, 80})


def test_a_gif_shows_nothing_too_short_for_viewers_to_honour(film, tmp_path):
    path = film("webp", [RED, GREEN, BLUE] * 20, [17, 17, 16] * 20)
    convert(path, tmp_path / "output.gif")
    times = Animation.of(tmp_path / "output.gif").times
    assert (sum(times), min(times) >= 20) == (1000, True)


def test_an_animation_is_scaled_as_a_whole(film, tmp_path):
    output = convert(film("gif"), tmp_path / "output.gif", width=32)
    assert (output.size, output.n_frames) == ((32, 24), 3)


@pytest.mark.parametrize("given", ["gif", "webp"])
@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_hole_uncovers_no_frame_before_it(film, tmp_path, given, suffix):
    convert(film("webp", [RED, HOLE, BLUE]), tmp_path / f"between.{given}")
    convert(tmp_path / f"between.{given}", tmp_path / f"output.{suffix}")
    assert Animation.of(tmp_path / f"output.{suffix}").colours == ["red", "hole", "blue"]


PLAYS = [("gif", {"loop": 0}, 0), ("gif", {"loop": 2}, 3), ("webp", {"loop": 3}, 3), ("png", {"loop": 1}, 1)]


@pytest.mark.parametrize(("given", "options", "plays"), PLAYS)
def test_an_animation_plays_as_often_as_it_did(film, tmp_path, given, options, plays):
    path = film(given, **options)
    assert convert(path, tmp_path / "output.webp").info["loop"] == plays
    assert convert(path, tmp_path / "output.gif").info.get("loop", "once") == {0: 0, 3: 2, 1: "once"}[plays]


def test_a_stretch_is_cut_out_in_time(film, tmp_path):
    convert(film("gif"), tmp_path / "output.webp", start=0.05, end=0.35)
    assert Animation.of(tmp_path / "output.webp") == Animation(COLOURS, [50, 200, 50])


def test_a_picture_before_an_animation_is_no_frame_of_it(film, tmp_path):
    path = film("png", [BLUE, RED, GREEN], [100, 200], default_image=True)
    assert (facts(path).image.frames, facts(path).duration) == (2, pytest.approx(0.3))
    convert(path, tmp_path / "output.webp")
    assert Animation.of(tmp_path / "output.webp").colours == ["red", "green"]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_a_frame_without_a_time_is_shown_as_long_as_viewers_show_it(film, tmp_path, suffix):
    path = film("gif", times=(0, 0, 0))
    assert facts(path).duration == pytest.approx(0.3)
    convert(path, tmp_path / f"output.{suffix}")
    assert Animation.of(tmp_path / f"output.{suffix}") == Animation(COLOURS, [100, 100, 100])


def test_equal_frames_keep_their_time(film, tmp_path):
    convert(film("webp", [RED, RED, GREEN], [40, 50, 60]), tmp_path / "output.gif")
    assert sum(Animation.of(tmp_path / "output.gif").times) == 150


def test_a_gif_of_too_many_frames_is_refused_without_decoding_them(tmp_path):
    head = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\4\0\1\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    (tmp_path / "input.gif").write_bytes(head + frame * 1001 + b";")
    with pytest.raises(errors.InputLimitsExceeded):
        facts(tmp_path / "input.gif")
