"""Large videos of the corpus are planned from a part of each, as from the whole file."""

import pytest

from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import plan_summary
from penstock.engines import probe, probe_remote
from tests.engines.conversions import request_for
from tests.engines.probing.partial_files import with_first_bytes

pytestmark = [pytest.mark.corpus, pytest.mark.media]

VIDEOS = (
    "bbb-480p-30s-aac51.mp4",
    "canon-mjpeg-pcm.AVI",
    "chrome-theora-vorbis.ogv",
    "hdr10-av1-portrait.mp4",
    "iphone-hevc-rotated.mov",
    "vp8-frame-size-change.webm",
)


@pytest.mark.parametrize("name", VIDEOS)
def test_a_large_video_is_planned_from_a_part_of_it(name, corpus, tools, tmp_path):
    path = corpus / "video" / name
    partial = with_first_bytes(path, tmp_path)
    seen, known = (
        plan_for(request_for("mp4"), facts, tools.limits)
        for facts in (probe_remote(partial, tools), probe(path, tools))
    )

    assert plan_summary(seen) == plan_summary(known)
    assert seen.duration == pytest.approx(known.duration, abs=0.1)
    assert partial.received < partial.total * 2 / 3
