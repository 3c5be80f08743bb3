"""Whoever reads a file hears that nobody wants it any more, at once, and leaves no process behind."""

import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

from penstock.domain import errors
from penstock.domain.planning.planner import plan_for
from penstock.engines import NoWatch, file_facts, probe, probe_header, verify
from tests.engines.conversions import request_for

pytestmark = pytest.mark.media

HOURS_OF_SILENCE_BYTES = 2_500_000_000
AT_ONCE_SECONDS = 1.0


class Leaving(NoWatch):
    """Gives up as soon as a child has the file open, and remembers when."""

    def __init__(self, path):
        self.path, self.left_at = path, None

    def stopped(self):
        if self.left_at is None and _readers_of(self.path):
            self.left_at = time.monotonic()
        return self.left_at is not None


class Left(NoWatch):
    def stopped(self):
        return True


@pytest.fixture
def endless(room):
    """Hours of silence, without a byte on the disk: walking through them takes a while."""
    path = room / "endless"
    frames = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 48_000, 192_000, 4, 16)
    sound = struct.pack("<4sI", b"data", HOURS_OF_SILENCE_BYTES)
    with path.open("wb") as target:
        target.write(struct.pack("<4sI4s", b"RIFF", 36 + HOURS_OF_SILENCE_BYTES, b"WAVE") + frames + sound)
        target.truncate(target.tell() + HOURS_OF_SILENCE_BYTES)
    return path


@pytest.mark.parametrize("read", [probe, probe_header])
def test_a_probe_ends_within_a_second(read, endless, tools):
    leaving = Leaving(endless)
    with pytest.raises(errors.Cancelled):
        read(endless, tools, leaving)
    assert time.monotonic() - leaving.left_at < AT_ONCE_SECONDS
    assert not _readers_of(endless)


def test_a_verification_ends_within_a_second(endless, media, tools):
    sound, leaving = probe(media("tone.wav"), tools), Leaving(endless)
    with pytest.raises(errors.Cancelled):
        verify(endless, plan_for(request_for("wav"), sound, tools.limits), sound, tools, leaving)
    assert time.monotonic() - leaving.left_at < AT_ONCE_SECONDS
    assert not _readers_of(endless)


def test_the_sum_of_a_large_file_is_not_waited_for(endless, media, tools):
    sound = probe(media("tone.wav"), tools)
    began = time.monotonic()
    with pytest.raises(errors.Cancelled):
        file_facts(endless, sound, Left())
    assert time.monotonic() - began < AT_ONCE_SECONDS


def _readers_of(path):
    """The processes that have the file open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if link.readlink() == path:
                found.add(link.parts[2])
    return found
