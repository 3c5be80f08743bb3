"""Films with a pace or a size that is seldom: a right picture, or a clear code."""

import pytest

from penstock.domain import errors
from penstock.engines import probe
from tests.engines.conversions import convert

pytestmark = pytest.mark.media


@pytest.mark.parametrize("output", ["mp4", "webm", "mov", "gif"])
def test_a_picture_may_stand_for_ten_seconds(output, media, room, tools):
    facts = convert(media("slow.mp4"), output, room, tools, quality=0.9).facts
    assert (facts.duration, facts.frames) == (30, 3)


def test_a_thousand_pictures_a_second_are_too_many(media, tools):
    with pytest.raises(errors.InputLimitsExceeded, match="1,000 frames per second"):
        probe(media("fast.mkv"), tools)


@pytest.mark.parametrize("output", ["mp4", "webm", "avi"])
def test_a_film_that_changes_its_size_half_way_keeps_its_first_one(output, media, room, tools):
    changing = room / "changing.ts"
    changing.write_bytes(media("small.ts").read_bytes() + media("large.ts").read_bytes())
    facts = convert(changing, output, room, tools).facts
    assert (facts.width, facts.height, facts.duration) == (160, 120, pytest.approx(2, abs=0.1))
