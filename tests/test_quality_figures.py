"""The quality scales in the code are those that were measured."""

import json
from statistics import fmean
from typing import Any

import pytest

from benchmarks.harness.report import RESULTS
from penstock.domain.planning.quality import DEFAULT_QUALITY, image_setting

FILMED = ("h264", "vp9", "mpeg4")


@pytest.fixture(scope="module")
def points() -> list[dict[str, Any]]:
    return json.loads((RESULTS / "quality.json").read_text())["points"]


def test_every_number_in_the_code_was_measured(points):
    for point in points:
        assert point["number"] == image_setting(point["codec"], point["quality"], point["pixels"]), point


@pytest.mark.parametrize(("codec", "score"), [*((codec, "vmaf") for codec in FILMED), ("jpeg", "s2"), ("webp", "s2")])
def test_a_higher_quality_scores_higher(points, codec, score):
    means = _means(points, codec, score)
    assert means == sorted(means)


def test_the_default_quality_looks_the_same_in_every_video_format(points):
    usual = [point for point in points if point["quality"] == DEFAULT_QUALITY]
    means = [fmean(point["vmaf"] for point in usual if point["codec"] == codec) for codec in FILMED]
    assert max(means) - min(means) < 4


def _means(points: list[dict[str, Any]], codec: str, score: str) -> list[float]:
    here = [point for point in points if point["codec"] == codec]
    qualities = sorted({point["quality"] for point in here})
    return [fmean(point[score] for point in here if point["quality"] == quality) for quality in qualities]
