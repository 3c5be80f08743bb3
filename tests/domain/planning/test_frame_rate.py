from fractions import Fraction

import pytest

from penstock.domain.planning.frame_rate import avi_fps, cut_fps
from penstock.domain.planning.plan import Cut
from tests.domain.facts import video


@pytest.mark.parametrize(
    ("mean", "usual", "pace"), [(7.2, 30.12, 30), (28.2, 30.0, 30), (5.4, 4.8, 5), (12.0, 1000.0, 60)]
)
def test_an_uneven_film_becomes_avi_as_fast_as_it_is_where_it_moves(mean, usual, pace):
    assert avi_fps(_film(variable_rate=True, fps=mean, usual_fps=usual), Cut()) == pace


@pytest.mark.parametrize(("own", "pace"), [(29.97, 29.97), (0.2, 1), (120.0, 60), (None, 25)])
def test_an_even_film_keeps_its_pace_in_avi_within_what_players_take(own, pace):
    assert avi_fps(_film(fps=own, usual_fps=own), Cut()) == pace


@pytest.mark.parametrize(("mean", "usual", "pace"), [(7.2, 15.0, 30), (50.0, 60.0, 60), (120.0, 240.0, 120)])
def test_a_cut_of_an_uneven_film_skips_little_where_it_moves(mean, usual, pace):
    assert cut_fps(_film(variable_rate=True, fps=mean, usual_fps=usual)) == pace


@pytest.mark.parametrize(("own", "pace"), [(25.0, 25), (1.0, 5), (2.0, 6), (29.97, Fraction(2997, 100))])
def test_a_cut_of_an_even_film_begins_close_to_a_picture(own, pace):
    assert cut_fps(_film(fps=own)) == pace


def test_a_cut_has_the_pace_of_a_cut_in_avi_too():
    assert avi_fps(_film(fps=1.0), Cut(start=0.5)) == 5


def _film(**facts):
    return video(**facts).video
