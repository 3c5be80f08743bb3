"""A plan made from the header and the index is the same as one made from the whole file."""

from dataclasses import dataclass, field

import pytest

from penstock.domain import errors
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import summary
from penstock.engines import probe, probe_remote
from tests.engines.conversions import request_for

pytestmark = pytest.mark.media

HEAD = 256 * 1024


@dataclass
class Parts:
    """A file that comes as it is wanted."""

    origin: object
    path: object
    here: list = field(default_factory=list)

    @property
    def total(self):
        return self.origin.stat().st_size

    @property
    def received(self):
        return sum(end - start for start, end in self.here)

    @property
    def whole(self):
        return self.received == self.total

    def fetch(self, start, length):
        with self.origin.open("rb") as source, self.path.open("r+b") as target:
            source.seek(start)
            target.seek(start)
            target.write(part := source.read(length))
        self.here = joined([*self.here, (start, start + len(part))])


def joined(stretches):
    first, *rest = sorted(stretches)
    if not rest:
        return [first]
    tail = joined(rest)
    return [(first[0], tail[0][1]), *tail[1:]] if first[1] == tail[0][0] else [first, *tail]


@pytest.fixture
def parts(media, tmp_path):
    return lambda name: begun(media(name), tmp_path)


def begun(origin, tmp_path):
    """The file's first 256 KiB."""
    found = Parts(origin, tmp_path / "input")
    with found.path.open("xb") as file:
        file.truncate(found.total)
    found.fetch(0, HEAD)
    return found


# A transport stream has no header: its length is told by the last times in it.
SLACK_SECONDS = {"heavy.ts": 0.25}
CASES = [
    *((name, output) for name in ("heavy.mp4", "heavy-front.mp4", "heavy.mkv") for output in ("mp4", "flac")),
    ("heavy.avi", "mp4"),
    ("heavy.ts", "mp4"),
    ("heavy.wav", "mp3"),
]


@pytest.mark.parametrize(("name", "output"), CASES)
def test_the_plan_is_the_same_as_with_the_whole_file(name, output, parts, media, tools):
    here = parts(name)
    seen, known = (
        plan_for(request_for(output), facts, tools.limits)
        for facts in (probe_remote(here, tools), probe(media(name), tools))
    )
    assert summary(seen) == summary(known)
    assert seen.duration == pytest.approx(known.duration, abs=SLACK_SECONDS.get(name, 0.05))
    assert here.received < here.total * 2 / 3


def test_a_small_file_is_fetched_whole(parts, media, tools):
    assert probe_remote(parts("clip.mp4"), tools) == probe(media("clip.mp4"), tools)


def test_an_index_at_the_end_is_found(parts, tools):
    here = parts("heavy.mp4")
    probe_remote(here, tools)
    assert here.here[-1][1] == here.total
    assert len(here.here) == 2


def test_a_file_that_is_no_media_is_rejected_by_its_first_bytes(parts, media, tools):
    media("heavy.mkv").with_name("text.mp4").write_text("no film at all\n" * 100_000)
    here = parts("text.mp4")
    with pytest.raises(errors.InputUnreadable):
        probe_remote(here, tools)
    assert here.received == HEAD


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
