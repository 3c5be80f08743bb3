"""Interpolation between measured points."""

import pytest

from benchmarks.quality.encoder_options import exchanged
from benchmarks.quality.equal_score import Point, at_score, reaches

MEASURED = (Point(80, 100, 1.0, 2.0), Point(90, 400, 2.0, 4.0), Point(95, 800, 3.0, 6.0))


def test_bytes_are_interpolated_geometrically():
    assert at_score(85, MEASURED).bytes == pytest.approx(200)


def test_seconds_are_interpolated_linearly():
    assert (at_score(85, MEASURED).cpu, at_score(85, MEASURED).wall) == (1.5, 3.0)


def test_a_measured_score_is_its_own_point():
    assert at_score(90, MEASURED).bytes == pytest.approx(400)


def test_beyond_the_measured_points_it_extrapolates_and_says_so():
    assert at_score(100, MEASURED).bytes == pytest.approx(1600)
    assert not reaches(100, MEASURED)


def test_a_choice_replaces_some_options_and_keeps_the_others():
    words = ["ffmpeg", "-i", "in", "-preset", "fast", "out"]
    assert exchanged(words, {"-preset": "slow", "-trellis": "1"}) == [*words[:4], "slow", "-trellis", "1", "out"]
