"""No file makes a decoder open another file or connect to anybody: not by what we ask of decoders, and not by the jail,
each without the other."""

import shutil
from contextlib import suppress
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.engines import NoWatch, bundled_ffmpeg, probe, sandbox_pool
from penstock.sandbox.call import NOTHING, SandboxCall, call
from penstock.sandbox.job import Paths, ProgramJob, Rlimits
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import Collector, Timeouts, supervise
from tests.attacks.attack_files import Place, made
from tests.attacks.watching import Listener, opened
from tests.engines.conversions import convert_probed

pytestmark = pytest.mark.media

FFMPEGS = sorted({str(bundled_ffmpeg()), *filter(None, [shutil.which("ffmpeg")])})
PROTOCOLS = "file,http,tcp,udp,rtp,crypto,data,concat,subfile,async,cache"
# Those that work on every ffmpeg that nothing holds back: without them these tests could not fail.
WORKING = {"HLS of a file", "HLS of an address", "DASH of a file", "DASH as a film", "a list of a sibling"}
MEMORY = 3 << 30


@pytest.fixture(scope="module")
def listener():
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def attacks(media, listener, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("elsewhere"), listener.port)
    for name in ("clip.ts", "clip.mp4", "tone.mp3", "still.png"):
        shutil.copy(media(name), place.there / f"canary.{name[-3:].strip('.')}")
    (place.there / "canary.txt").write_text("0123456789abcdef")
    return made(place, media("clip.mp4").read_bytes(), tmp_path_factory.mktemp("attacks")), place


@pytest.fixture
def reached(attacks, listener):
    """Calls a function with each attack file. Returns those that opened another file, or connected."""
    files, place = attacks

    def each(function, names=tuple(files)):
        found = set()
        for name in names:
            beside = [path for path in files[name].parent.iterdir() if path != files[name]]
            with opened([*place.canaries, *beside]) as noted:
                function(files[name])
                if noted() or listener.connected():
                    found.add(name)
        return found

    return each


@pytest.fixture(scope="module")
def unjailed():
    with sandbox_pool("off") as pool:
        yield pool


@pytest.fixture(scope="module")
def careless():
    """Children that open a file with whatever a library takes it for, in the jail."""
    with SandboxPool("tests.attacks.entrypoints") as pool:
        yield pool


def play(pool, ffmpeg):
    """Let ffmpeg take the file for what it likes, and open what it likes."""

    def with_ffmpeg(path):
        argv = (ffmpeg, "-nostdin", "-v", "error", "-protocol_whitelist", PROTOCOLS, "-i", str(path), "-t", "1")
        job = ProgramJob((*argv, "-f", "null", "-"), Rlimits(MEMORY, 20, 1 << 20), Paths((str(path),)))
        supervise(pool.start(job), Timeouts(3), NoWatch(), Collector())

    return with_ffmpeg


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
def test_without_a_jail_ffmpeg_opens_what_a_file_names(reached, unjailed, ffmpeg):
    assert reached(play(unjailed, ffmpeg), sorted(WORKING)) == WORKING


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
def test_in_the_jail_ffmpeg_opens_nothing_whatever_it_takes_a_file_for(reached, pool, ffmpeg):
    assert reached(play(pool, ffmpeg)) == set()


def test_in_the_jail_no_library_opens_anything_whatever_it_takes_a_file_for(reached, careless):
    def with_libraries(path):
        with suppress(errors.MediaError):
            call(careless, SandboxCall("open_as_anything", (str(path),), Paths((str(path),)), 4, MEMORY), NOTHING)

    assert reached(with_libraries) == set()


def test_without_a_jail_our_own_calls_open_nothing(reached, unjailed, tools, tmp_path):
    ours = replace(tools, pool=unjailed)
    read = []

    def converted(path):
        with suppress(errors.MediaError):
            found = probe(path, ours)
            read.append(path.suffix)
            convert_probed(path, found, {"video": "mp4", "audio": "mp3", "image": "png"}[found.kind], (tmp_path, ours))

    assert reached(converted) == set()
    assert set(read) <= {".avif", ".heic", ".mov"}  # libavif and libheif take the bytes from the file itself
