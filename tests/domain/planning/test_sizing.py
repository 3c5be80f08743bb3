import pytest

from penstock.domain import errors
from penstock.domain.media import Size
from penstock.domain.planning.sizing import framing_for
from tests.domain.facts import asked

HD = Size(1920, 1080)
PORTRAIT = Size(1080, 1920)


def test_without_width_and_height_the_size_is_kept():
    assert _size({}) == HD


@pytest.mark.parametrize(
    ("wish", "size"),
    [({"width": 640}, Size(640, 360)), ({"height": 540}, Size(960, 540)), ({"width": 101}, Size(101, 57))],
)
def test_one_side_keeps_the_ratio(wish, size):
    assert _size(wish) == size


@pytest.mark.parametrize(
    ("fit", "size", "scaled"),
    [
        ("contain", Size(1000, 563), Size(1000, 563)),
        ("cover", Size(1000, 1000), Size(1778, 1000)),
        ("fill", Size(1000, 1000), Size(1000, 1000)),
        ("pad", Size(1000, 1000), Size(1000, 563)),
    ],
)
def test_fit_decides_how_both_sides_are_met(fit, size, scaled):
    framing = framing_for(asked("image", "png", width=1000, height=1000, fit=fit), HD)
    assert (framing.size, framing.scaled) == (size, scaled)


def test_cover_fills_a_frame_whose_one_pixel_became_two():
    framing = framing_for(asked("video", "mp4", width=1, height=1, fit="cover"), Size(2, 3))
    assert (framing.size, framing.scaled) == (Size(2, 2), Size(2, 2))


def test_a_box_larger_on_one_side_only_is_no_upscaling():
    assert _size({"width": 1280, "height": 1280}) == Size(1280, 720)


@pytest.mark.parametrize("fit", ["cover", "fill"])
def test_cover_and_fill_upscale_when_one_side_is_larger(fit):
    with pytest.raises(errors.UpscaleNotAllowed) as refused:
        framing_for(asked("image", "png", width=1280, height=1280, fit=fit), HD)
    assert refused.value.field == "height"


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"width": 1921}, "width"), ({"height": 1081}, "height"), ({"width": 3840, "height": 2160}, "width")],
)
def test_the_upscaling_error_names_the_field(wish, field):
    with pytest.raises(errors.UpscaleNotAllowed) as refused:
        framing_for(asked("image", "png", **wish), HD)
    assert refused.value.field == field


def test_the_upscaling_error_names_both_sizes():
    with pytest.raises(errors.UpscaleNotAllowed, match=r"1920x1080.*3840x2160"):
        framing_for(asked("image", "png", width=3840, height=2160), HD)


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({"width": 4000}, HD),
        ({"width": 4000, "height": 4000}, HD),
        ({"width": 4000, "height": 4000, "fit": "cover"}, Size(1080, 1080)),
        ({"width": 4000, "height": 4000, "fit": "fill"}, Size(1080, 1080)),
        ({"width": 4000, "height": 4000, "fit": "pad"}, Size(1920, 1920)),
    ],
)
def test_clamp_scales_the_box_down(wish, size):
    assert _size({**wish, "on_upscale": "clamp"}) == size


def test_the_displayed_size_decides():
    with pytest.raises(errors.UpscaleNotAllowed):
        framing_for(asked("image", "png", width=1920), PORTRAIT)


@pytest.mark.parametrize("output", ["mp4", "mov"])
def test_sides_are_even_where_the_codec_needs_it(output):
    assert framing_for(asked("video", output), Size(161, 121)).size == Size(160, 120)


def test_an_odd_video_that_is_not_resized_loses_a_row_and_is_not_scaled():
    assert framing_for(asked("video", "mp4"), Size(161, 121)).scaled == Size(161, 121)


def test_one_pixel_becomes_a_video_of_2x2():
    framing = framing_for(asked("video", "mp4"), Size(1, 1))
    assert (framing.size, framing.scaled) == (Size(2, 2), Size(2, 2))


def test_odd_sides_are_kept_if_the_codec_supports_them():
    assert framing_for(asked("video", "webm"), Size(161, 121)).size == Size(161, 121)


def test_a_padded_image_fits_into_its_even_frame():
    framing = framing_for(asked("video", "mp4", width=641, height=641, fit="pad"), HD)
    assert framing.size == Size(640, 640)
    assert framing.scaled.width <= 640


def test_no_side_becomes_zero():
    assert _size({"width": 10}, Size(4000, 2)) == Size(10, 1)


def _size(wish, shown=HD):
    return framing_for(asked("image", "png", **wish), shown).size
