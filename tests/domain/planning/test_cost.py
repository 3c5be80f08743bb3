import pytest

from penstock.domain.formats import FORMATS
from penstock.domain.limits import Limits
from penstock.domain.planning.cost import (
    CostHistory,
    Estimate,
    ExpectedRange,
    RatioSpread,
    estimate_cost,
    forecast,
)
from penstock.domain.planning.planner import plan_for
from tests.domain.facts import asked, image, video


def test_a_copy_is_as_large_as_its_streams():
    found = _estimate("video", "mp4")
    assert found.bytes == pytest.approx((4_000_000 + 128_000) / 8 * 10, rel=0.01)
    assert found.seconds < 1


@pytest.mark.parametrize(
    ("kind", "output"), [("video", "webm"), ("audio", "mp3"), ("image", "jpeg"), ("image", "webp")]
)
def test_higher_quality_makes_a_larger_output(kind, output):
    assert _estimate(kind, output, quality=0.4).bytes < _estimate(kind, output, quality=0.8).bytes


def test_lossless_audio_is_as_large_as_its_samples():
    assert _estimate("audio", "wav").bytes == pytest.approx(48_000 * 2 * 2 * 10, rel=0.01)


@pytest.mark.parametrize("output", FORMATS)
def test_every_format_has_an_estimate(output):
    assert _estimate(FORMATS[output].kind, output, quality=0.1).bytes > 0


def test_more_frames_make_a_larger_gif():
    assert _estimate("image", "gif", width=320, end=1).bytes < _estimate("image", "gif", width=320, end=2).bytes


def test_an_image_is_estimated_by_its_pixels():
    plan = plan_for(asked("image", "png", width=960), image(), Limits())
    assert estimate_cost(plan, image()).bytes == pytest.approx(960 * 540 * 12.9 / 8, rel=0.01)


def _estimate(kind, output, **fields):
    return estimate_cost(plan_for(asked(kind, output, **fields), video(), Limits()), video())


HISTORY = CostHistory(9, RatioSpread(0.5, 0.8, 1.5), RatioSpread(1.0, 2.0, 4.0))
EXACT = RatioSpread(1, 1, 1)


def test_a_forecast_corrects_the_estimate_by_earlier_conversions():
    found = forecast(Estimate(bytes=1000, seconds=2.0), HISTORY)
    assert found.bytes == ExpectedRange(800, 500, 1500)
    assert found.seconds == ExpectedRange(4.0, 2.0, 8.0)
    assert found.tasks == 9


def test_too_few_conversions_give_no_forecast():
    found = forecast(Estimate(bytes=1000, seconds=2.0), CostHistory(2, EXACT, EXACT))
    assert (found.bytes, found.seconds, found.tasks) == (None, None, 2)


def test_an_estimate_of_zero_bytes_has_no_forecast_of_bytes():
    found = forecast(Estimate(bytes=0, seconds=1.0), CostHistory(9, EXACT, EXACT))
    assert found.bytes is None
    assert found.seconds == ExpectedRange(1.0, 1.0, 1.0)
