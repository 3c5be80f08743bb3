"""Videos with an unusual frame rate or size are converted or rejected with a clear error code."""

import pytest

from penstock.domain import errors
from penstock.engines import probe
from tests.engines.conversions import convert

pytestmark = pytest.mark.media


@pytest.mark.parametrize("output", ["mp4", "webm", "mov", "gif"])
def test_a_frame_may_last_ten_seconds(output, media, tmp_path, tools):
    facts = convert(media("slow.mp4"), output, tmp_path, tools, quality=0.9).facts
    assert (facts.duration, facts.frames) == (30, 3)


def test_a_thousand_frames_per_second_are_too_many(media, tools):
    with pytest.raises(errors.InputLimitsExceeded, match="1,000 frames per second"):
        probe(media("fast.mkv"), tools)


@pytest.mark.parametrize("output", ["mp4", "webm", "avi"])
def test_a_video_that_changes_its_size_keeps_the_first_one(output, media, tmp_path, tools):
    changing = tmp_path / "changing.ts"
    changing.write_bytes(media("small.ts").read_bytes() + media("large.ts").read_bytes())
    facts = convert(changing, output, tmp_path, tools).facts
    assert (facts.width, facts.height, facts.duration) == (160, 120, pytest.approx(2, abs=0.1))
