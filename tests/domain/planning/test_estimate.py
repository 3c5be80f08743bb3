import pytest

from penstock.domain.limits import Limits
from penstock.domain.planning.estimate import estimate_cost
from penstock.domain.planning.planner import plan_for
from tests.domain.facts import asked, image, video


def test_a_copy_weighs_what_its_streams_do():
    found = _estimate("video", "mp4")
    assert found.bytes == pytest.approx((4_000_000 + 128_000) / 8 * 10, rel=0.01)
    assert found.seconds < 1


@pytest.mark.parametrize(
    ("kind", "output"), [("video", "webm"), ("audio", "mp3"), ("image", "jpeg"), ("image", "webp")]
)
def test_more_quality_weighs_more(kind, output):
    assert _estimate(kind, output, quality=0.4).bytes < _estimate(kind, output, quality=0.8).bytes


def test_sound_without_loss_is_as_long_as_its_samples():
    assert _estimate("audio", "wav").bytes == pytest.approx(48_000 * 2 * 2 * 10, rel=0.01)


def test_a_gif_weighs_by_its_frames():
    assert _estimate("image", "gif", width=320, end=1).bytes < _estimate("image", "gif", width=320, end=2).bytes


def test_a_picture_weighs_by_its_pixels():
    plan = plan_for(asked("image", "png", width=960), image(), Limits())
    assert estimate_cost(plan, image()).bytes == pytest.approx(960 * 540 * 12.9 / 8, rel=0.01)


def _estimate(kind, output, **fields):
    return estimate_cost(plan_for(asked(kind, output, **fields), video(), Limits()), video())
