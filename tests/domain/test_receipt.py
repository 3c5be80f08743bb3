"""The A/V drift in a receipt."""

from dataclasses import replace

import pytest

from penstock.domain.media import AudioStream, Media
from penstock.domain.planning.plan import Cut
from penstock.domain.receipt import Drift, drift_of
from tests.domain.facts import AAC, H264, video


def film(*, sound_start: float = 0.0, sound_seconds: float = 10.0, picture_seconds: float = 10.0) -> Media:
    sound: AudioStream = replace(AAC, start=sound_start, duration=sound_seconds)
    return replace(video(sound=sound), video=replace(H264, duration=picture_seconds))


def test_unchanged_timing_has_no_drift():
    late = film(sound_start=0.5, sound_seconds=9.5)
    assert drift_of(late, late, Cut()) == Drift(0, 0)


def test_a_lost_audio_delay_is_drift():
    assert drift_of(film(sound_start=0.5, sound_seconds=9.5), film(), Cut()) == Drift(-0.5, 0)


def test_audio_that_lasts_longer_is_drift():
    assert drift_of(film(), film(sound_seconds=10.08), Cut()) == Drift(0, 0.08)


def test_a_cut_causes_no_drift():
    made = film(sound_seconds=2.0, picture_seconds=2.0)
    assert drift_of(film(sound_start=0.5, sound_seconds=9.5), made, Cut(3.0, 2.0)) == Drift(0, 0)


@pytest.mark.parametrize("made", [video(sound=None), replace(film(), video=None)])
def test_a_single_stream_has_no_drift(made):
    assert drift_of(film(), made, Cut()) is None
