"""A plan made from the header and the index is the same as one made from the whole file."""

import pytest

from penstock.domain import errors
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import plan_summary
from penstock.engines import probe, probe_remote
from tests.engines.conversions import request_for
from tests.engines.probing.partial_files import FIRST_BYTES, with_first_bytes

pytestmark = pytest.mark.media


@pytest.fixture
def parts(media, tmp_path):
    return lambda name: with_first_bytes(media(name), tmp_path)


# A transport stream has no header with a duration: it is known by its last timestamps.
TOLERANCE_SECONDS = {"heavy.ts": 0.25}
CASES = [
    *((name, output) for name in ("heavy.mp4", "heavy-front.mp4", "heavy.mkv") for output in ("mp4", "flac")),
    ("heavy.avi", "mp4"),
    ("heavy.ts", "mp4"),
    ("heavy.wav", "mp3"),
]


@pytest.mark.parametrize(("name", "output"), CASES)
def test_the_plan_is_the_same_as_with_the_whole_file(name, output, parts, media, tools):
    partial = parts(name)
    planned, expected = (
        plan_for(request_for(output), facts, tools.limits)
        for facts in (probe_remote(partial, tools), probe(media(name), tools))
    )
    assert plan_summary(planned) == plan_summary(expected)
    assert planned.duration == pytest.approx(expected.duration, abs=TOLERANCE_SECONDS.get(name, 0.05))
    assert partial.received < partial.total * 2 / 3


def test_a_small_file_is_fetched_whole(parts, media, tools):
    assert probe_remote(parts("clip.mp4"), tools) == probe(media("clip.mp4"), tools)


def test_an_index_at_the_end_is_found(parts, tools):
    partial = parts("heavy.mp4")
    probe_remote(partial, tools)
    assert partial.fetched[-1][1] == partial.total
    assert len(partial.fetched) == 2


def test_a_file_that_is_no_media_is_rejected_by_its_first_bytes(parts, media, tools):
    media("heavy.mkv").with_name("text.mp4").write_text("no video at all\n" * 100_000)
    partial = parts("text.mp4")
    with pytest.raises(errors.InputUnreadable):
        probe_remote(partial, tools)
    assert partial.received == FIRST_BYTES


def test_a_file_without_its_index_is_reported_as_truncated(parts, media, tools):
    whole = media("heavy.mp4").read_bytes()
    media("heavy.mkv").with_name("cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.InputTruncated):
        probe_remote(parts("cut.mp4"), tools)


def test_a_damaged_file_is_rejected(parts, media, tools):
    whole = media("heavy-front.mp4").read_bytes()
    media("heavy.mkv").with_name("broken.mp4").write_bytes(whole[:40] + bytes(len(whole) - 40))
    with pytest.raises(errors.InputUnreadable):
        probe_remote(parts("broken.mp4"), tools)
