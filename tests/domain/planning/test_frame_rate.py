from fractions import Fraction

import pytest

from penstock.domain.planning.frame_rate import avi_fps, cut_fps
from penstock.domain.planning.plan import Cut
from tests.domain.facts import video


@pytest.mark.parametrize(
    ("mean", "usual", "pace"), [(7.2, 30.12, 30), (28.2, 30.0, 30), (5.4, 4.8, 5), (12.0, 1000.0, 60)]
)
def test_a_variable_rate_video_gets_its_usual_rate_in_avi(mean, usual, pace):
    assert avi_fps(_film(variable_rate=True, fps=mean, usual_fps=usual), Cut()) == pace


@pytest.mark.parametrize(("own", "pace"), [(29.97, 29.97), (0.2, 1), (120.0, 60), (None, 25)])
def test_a_constant_rate_is_kept_in_avi_within_limits(own, pace):
    assert avi_fps(_film(fps=own, usual_fps=own), Cut()) == pace


@pytest.mark.parametrize(("mean", "usual", "pace"), [(7.2, 15.0, 30), (50.0, 60.0, 60), (120.0, 240.0, 120)])
def test_a_cut_of_a_variable_rate_video_has_at_least_30_fps(mean, usual, pace):
    assert cut_fps(_film(variable_rate=True, fps=mean, usual_fps=usual)) == pace


@pytest.mark.parametrize(("own", "pace"), [(25.0, 25), (1.0, 5), (2.0, 6), (29.97, Fraction(2997, 100))])
def test_a_cut_of_a_slow_video_repeats_frames(own, pace):
    assert cut_fps(_film(fps=own)) == pace


def test_avi_has_the_frame_rate_of_a_cut():
    assert avi_fps(_film(fps=1.0), Cut(start=0.5)) == 5


def _film(**facts):
    return video(**facts).video
