"""A score says how like its input an encoded video looks."""

import pytest

from penstock.engines import Comparison, Source, Unwatched, probe, score
from tests.engines.conversions import convert

pytestmark = pytest.mark.media


@pytest.fixture
def scored(media, room, tools):
    def of(name, output="mp4", **fields):
        made = convert(media(name), output, room, tools, **fields)
        source = Source(media(name), probe(media(name), tools))
        return score(made.plan, Comparison(source, Source(made.path, made.media), 5), tools, Unwatched())

    return of


def test_what_looks_the_same_scores_high(scored):
    found = scored("turned.mp4", width=60, quality=1)
    assert (found.metric, found.frames) == ("vmaf", 5)
    assert found.score > 90


def test_what_looks_worse_scores_less(scored):
    assert scored("clip.mkv", quality=0).score < 70


def test_a_cut_is_compared_with_its_own_stretch(scored):
    assert scored("clip.mkv", start=0.5, quality=1).score > 90


def test_what_was_copied_needs_no_score(scored):
    assert scored("clip.mp4") is None


def test_without_vmaf_it_is_ssim(scored, monkeypatch):
    monkeypatch.setattr("penstock.engines.scoring._metric", lambda *_: "ssim")
    found = scored("clip.mkv", quality=1)
    assert found.metric == "ssim"
    assert 0.9 < found.score <= 1
