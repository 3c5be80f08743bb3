"""An estimate is what came of others like it, or nothing."""

from penstock.domain.planning.estimate import Estimate
from penstock.domain.planning.forecast import CostHistory, ExpectedRange, RatioSpread, forecast

ROUGH = Estimate(bytes=1000, seconds=2.0)


def test_experience_puts_the_rough_estimate_right():
    told = forecast(ROUGH, CostHistory(9, RatioSpread(0.5, 0.8, 1.5), RatioSpread(1.0, 2.0, 4.0)))
    assert told.bytes == ExpectedRange(800, 500, 1500)
    assert told.seconds == ExpectedRange(4.0, 2.0, 8.0)
    assert told.tasks == 9


def test_too_little_experience_says_nothing():
    told = forecast(ROUGH, CostHistory(2, RatioSpread(1, 1, 1), RatioSpread(1, 1, 1)))
    assert (told.bytes, told.seconds, told.tasks) == (None, None, 2)


def test_what_has_no_estimate_has_no_forecast():
    told = forecast(Estimate(bytes=0, seconds=1.0), CostHistory(9, RatioSpread(1, 1, 1), RatioSpread(1, 1, 1)))
    assert told.bytes is None
    assert told.seconds == ExpectedRange(1.0, 1.0, 1.0)
