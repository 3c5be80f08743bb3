"""How far a film's packets reach, by the order in which they are shown, and by that in which they are stored."""

import pytest

from penstock.engines.walk import Tally


@pytest.mark.parametrize(("stored", "reach"), [(None, 7.2), ((0, 7000), 7.2), ((-1100, 7100), 8.2)])
def test_a_film_reaches_as_far_as_either_of_its_orders(stored, reach):
    assert Tally(tick=0.001, end=7.2, stored=stored).reach == pytest.approx(reach)
