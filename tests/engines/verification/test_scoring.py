"""A score says how similar an encoded video looks to its input."""

import re
import subprocess
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from penstock.engines import Comparison, MediaFile, NoWatch, probe, score
from tests.engines.conversions import convert

pytestmark = pytest.mark.media


@pytest.fixture
def scored(media, tmp_path, tools):
    def score_of(given, output="mp4", frames=5, **fields):
        path = given if isinstance(given, Path) else media(given)
        converted = convert(path, output, tmp_path, tools, **fields)
        source = MediaFile(path, probe(path, tools))
        return score(
            converted.plan, Comparison(source, MediaFile(converted.path, converted.media), frames), tools, NoWatch()
        )

    return score_of


@pytest.fixture
def logged(monkeypatch, tmp_path):
    """The logs of single frames of eight runs of each comparison."""
    logs = []

    def runs(argv, *_):
        log = tmp_path / "frames.xml"
        argv = [word.replace("=shortest=1", f"=shortest=1:log_path={log}") for word in argv]
        for _ in range(8):
            stderr = subprocess.run(argv, capture_output=True, text=True, check=True).stderr
            logs.append(log.read_text())
        return stderr

    monkeypatch.setattr("penstock.engines.verification.scoring._log", runs)
    return logs


@pytest.fixture
def grainy(tmp_path):
    path = tmp_path / "grainy.png"
    Image.effect_noise((320, 240), 40).convert("RGB").save(path)
    return path


def test_similar_videos_have_a_high_score(scored):
    found = scored("rotated.mp4", width=60, quality=1)
    assert (found.metric, found.frames) == ("vmaf", 5)
    assert found.score > 90


@pytest.mark.parametrize(("name", "frames"), [*product(("clip.mkv", "late-audio.mkv"), (1, 5)), ("clip.mkv", 250)])
def test_the_reported_number_of_frames_is_scored(name, frames, scored, logged):
    reported = scored(name, width=60, frames=frames).frames
    assert {len(re.findall("<frame ", log)) for log in logged} == {reported}


def test_a_lower_quality_has_a_lower_score(scored):
    assert scored("clip.mkv", quality=0).score < 70


def test_a_cut_is_compared_with_the_same_part_of_the_input(scored):
    assert scored("clip.mkv", start=0.5, quality=1).score > 90


@pytest.mark.parametrize(
    ("name", "output"),
    [
        *product(("clip.mkv", "variable-rate.mp4", "late-audio.mkv"), ("mp4", "webm", "avi")),
        *product(("clip.mpg", "clip.ts"), ("mp4",)),
    ],
)
def test_each_frame_is_compared_with_its_own_at_any_frame_rate(name, output, scored):
    assert scored(name, output, width=160, quality=1).score > 93


@pytest.mark.parametrize("output", ["mp4", "webm", "avi"])
@pytest.mark.parametrize("start", [0.1, 0.31])
@pytest.mark.parametrize(
    "name", ["clip.mkv", "clip.avi", "clip.mpg", "clip.ts", "variable-rate.mp4", "long-last-frames.mp4"]
)
def test_each_frame_of_a_cut_is_compared_with_the_one_it_shows(name, start, output, scored):
    assert scored(name, output, width=158, start=start, end=0.85, quality=1).score > 93


def test_a_late_cut_is_compared_with_the_same_part_of_the_input(scored):
    assert scored("coarse-timestamps.avi", width=158, start=20.1, end=20.9, quality=1).score > 93


@pytest.mark.parametrize("output", ["mp4", "avi"])
@pytest.mark.parametrize(
    ("name", "cut"), [("few-frames.mkv", {}), ("slow.mkv", {}), ("slow.mkv", {"start": 10.6, "end": 14})]
)
def test_few_and_slow_frames_are_compared_with_their_own(name, cut, output, scored):
    assert scored(name, output, width=158, quality=1, **cut).score > 93


def test_a_repeated_frame_is_compared_with_the_last_one(scored):
    assert scored("long-last-frames.mp4", width=158, start=3, end=3.6, quality=1).score > 93


@pytest.mark.parametrize(("cut", "at"), [({}, 10.66), ({"start": 7, "end": 17}, 3.66)])
def test_the_scored_frames_come_soon_after_the_middle_key_frame_of_the_input(cut, at, scored):
    found = scored("long.mp4", width=160, quality=1, **cut)

    assert found.at == pytest.approx(at, abs=0.05)
    assert found.score > 93


def test_without_a_key_frame_near_the_middle_the_middle_is_scored(scored):
    assert scored("heavy.mp4", width=160, quality=1).at == pytest.approx(3.98, abs=0.05)


def test_a_copied_stream_has_no_score(scored):
    assert scored("clip.mp4") is None


def test_without_requested_frames_there_is_no_score(scored):
    assert scored("clip.mkv", frames=0) is None


@pytest.mark.parametrize("output", ["jpeg", "webp", "png"])
def test_a_still_is_scored(scored, grainy, output):
    found = scored(grainy, output, width=200, quality=0.9)
    assert (found.metric, found.frames) == ("vmaf", 1)
    assert found.score > 85


def test_a_still_of_lower_quality_has_a_lower_score(scored, grainy):
    assert scored(grainy, "jpeg", quality=0).score < scored(grainy, "jpeg", quality=0.9).score - 5


def test_a_rotated_and_cropped_still_is_compared_with_the_same(scored):
    assert scored("rotated.mp4", "jpeg", width=60, height=60, fit="cover", quality=1).score > 85


def test_an_animation_has_no_score(scored):
    assert scored("clip.mp4", "gif") is None


def test_scoring_leaves_no_files(scored, tmp_path):
    scored("still.jpeg", "jpeg")
    assert [path.name for path in tmp_path.iterdir()] == ["output.jpeg"]


def test_without_libvmaf_ssim_is_used(scored, monkeypatch):
    monkeypatch.setattr("penstock.engines.verification.scoring._metric", lambda *_: "ssim")
    found = scored("clip.mkv", quality=1)
    assert found.metric == "ssim"
    assert 0.9 < found.score <= 1
