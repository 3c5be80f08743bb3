"""Reading a file stops at once when it is cancelled, and leaves no process behind."""

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

AUDIO_BYTES = 2_500_000_000
MAX_SECONDS = 1.0


class StopsOnceOpen(NoWatch):
    """Cancels once a child has the file open, and remembers the time."""

    def __init__(self, path):
        self.path, self.stopped_at = path, None

    def stopped(self):
        if self.stopped_at is None and _readers_of(self.path):
            self.stopped_at = time.monotonic()
        return self.stopped_at is not None


class AlwaysStopped(NoWatch):
    def stopped(self):
        return True


@pytest.fixture
def huge_wav(tmp_path):
    """A sparse WAV file with hours of silence, which takes long to read."""
    path = tmp_path / "endless"
    frames = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 48_000, 192_000, 4, 16)
    sound = struct.pack("<4sI", b"data", AUDIO_BYTES)
    with path.open("wb") as target:
        target.write(struct.pack("<4sI4s", b"RIFF", 36 + AUDIO_BYTES, b"WAVE") + frames + sound)
        target.truncate(target.tell() + AUDIO_BYTES)
    return path


@pytest.mark.parametrize("read", [probe, probe_header])
def test_a_cancelled_probe_ends_within_a_second(read, huge_wav, tools):
    watch = StopsOnceOpen(huge_wav)
    with pytest.raises(errors.Cancelled):
        read(huge_wav, tools, watch)
    assert time.monotonic() - watch.stopped_at < MAX_SECONDS
    assert not _readers_of(huge_wav)


def test_a_cancelled_verification_ends_within_a_second(huge_wav, media, tools):
    sound, watch = probe(media("tone.wav"), tools), StopsOnceOpen(huge_wav)
    with pytest.raises(errors.Cancelled):
        verify(huge_wav, plan_for(request_for("wav"), sound, tools.limits), sound, tools, watch)
    assert time.monotonic() - watch.stopped_at < MAX_SECONDS
    assert not _readers_of(huge_wav)


def test_hashing_a_large_file_can_be_cancelled(huge_wav, media, tools):
    sound = probe(media("tone.wav"), tools)
    began = time.monotonic()
    with pytest.raises(errors.Cancelled):
        file_facts(huge_wav, sound, AlwaysStopped())
    assert time.monotonic() - began < MAX_SECONDS


def _readers_of(path):
    """The processes that have the file open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if link.readlink() == path:
                found.add(link.parts[2])
    return found
