"""How far a film's packets reach, by the order in which they are shown, and by that in which they are stored."""

import pytest

from penstock.engines.probing.packets import Tally, varies


@pytest.mark.parametrize(("stored", "reach"), [(None, 7.2), ((0, 7000), 7.2), ((-1100, 7100), 8.2)])
def test_a_film_reaches_as_far_as_either_of_its_orders(stored, reach):
    assert Tally(tick=0.001, end=7.2, stored=stored).reach == pytest.approx(reach)


@pytest.mark.parametrize(
    ("times", "last", "uneven"),
    [
        ([0, 40, 80, 120, 160, 200], 40, False),
        ([0, 40, 80, 120, 160, 200], 4000, True),
        ([0, 3, 5, 8, 10, 13, 15, 18, 20], 3, False),
        ([0, 40, 80, 3000], 40, True),
        ([0, 40], 40, False),
    ],
)
def test_a_film_is_uneven_where_few_or_many_frames_stand_long(times, last, uneven):
    assert varies(times, last) is uneven
