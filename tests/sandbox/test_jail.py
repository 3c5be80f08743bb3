"""The jail: what a child cannot do after an input has taken over its decoder, tried on real children."""

import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

import penstock
from penstock.domain.errors import MediaError
from penstock.engines import NoWatch, bundled_ffmpeg, sandbox_pool
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.call_each import call_each
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.forbidden_acts import Attempts
from penstock.sandbox.jail import Jail, JailFailed, Kernel, enter, parts_on
from penstock.sandbox.jail_trial import JailState, jail_state, trial_paths, try_jail
from penstock.sandbox.job import CallsJob, Paths, ProgramJob, Rlimits
from penstock.sandbox.landlock import handled_by
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import UNJAILED, Collector, Timeouts, supervise

pytestmark = pytest.mark.media

RLIMITS = Rlimits(memory_bytes=3 << 30, cpu_seconds=30, file_bytes=1 << 20)
FOUND: ResultDecoder[bool] = ResultDecoder(TypeAdapter(bool))
OTHER: ResultDecoder[bool | str] = ResultDecoder(TypeAdapter(bool | str))
TEXT: ResultDecoder[str] = ResultDecoder(TypeAdapter(str))
PROJECT = str(Path(penstock.__file__).parents[1])
FFMPEGS = sorted({str(bundled_ffmpeg()), *filter(None, [shutil.which("ffmpeg")])})
OUTSIDE = ["read another file", "list another folder", "write to another folder", "change the input"]


@pytest.fixture(scope="module")
def reading():
    with SandboxPool("tests.sandbox.entrypoints") as pool:
        yield pool


@pytest.fixture(scope="module")
def unjailed():
    with sandbox_pool("off") as pool:
        yield pool


@pytest.fixture
def pools(pool, unjailed):
    return {"jailed": pool, "unjailed": unjailed}


@pytest.fixture(scope="module")
def by_kernel():
    """The acts that work in the jails of other kernels."""
    told = subprocess.run([sys.executable, "-m", "tests.sandbox.jailed"], check=True, capture_output=True, text=True)
    return json.loads(told.stdout)


def test_a_function_is_refused_every_forbidden_act(pool):
    assert try_jail(pool).allowed == ()


def test_without_a_jail_every_one_of_them_works(unjailed):
    assert try_jail(unjailed).refused == ()


def test_a_program_is_refused_every_forbidden_act(pool):
    with trial_paths() as paths:
        fields = (getattr(paths, name) for name in ("source", "output", "outside", "port", "unix_socket"))
        argv = (sys.executable, "-IB", "-c", PROGRAM.format(", ".join(map(repr, fields))))
        reach = Paths((paths.source, sys.base_prefix, sys.prefix, PROJECT), (paths.output,))
        ended, told = _run(pool, argv, reach)
    assert (ended.status, told) == (0, b"()\n"), ended.stderr_tail


PROGRAM = """
from penstock.sandbox.forbidden_acts import TrialPaths, try_forbidden_acts
print(try_forbidden_acts(TrialPaths({})).allowed)
"""


@pytest.mark.parametrize("version", range(1, 8))
def test_with_every_version_of_landlock_all_acts_are_refused(by_kernel, version):
    assert by_kernel[f"Landlock {version} and the filter"] == []


def test_without_landlock_files_are_open_and_all_else_is_refused(by_kernel):
    worked = by_kernel["the filter alone"]
    assert worked[: len(OUTSIDE)] == OUTSIDE
    assert not {"connect to a TCP port", "connect to a Unix socket", "start a process", "make a hard link"} & {*worked}


def test_without_the_filter_files_are_closed_and_processes_can_be_started(by_kernel):
    worked = by_kernel["Landlock alone"]
    assert not {*OUTSIDE, "connect to a TCP port"} & {*worked}
    assert "start a process" in worked


@pytest.fixture
def attacks(media, tmp_path):
    """By name: ffmpeg's arguments that read a file of someone else, and what their job declares."""
    secret, playlist = tmp_path / "elsewhere" / "secret.ts", tmp_path / "list.m3u8"
    secret.parent.mkdir()
    shutil.copy(media("clip.ts"), secret)
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    return {
        "a path": ("-i", f"file:{secret}"),
        "a playlist": ("-allowed_extensions", "ALL", "-extension_picky", "0", "-i", f"file:{playlist}"),
        "a list of files": ("-f", "concat", "-safe", "false", "-i", f"file:{_concat(playlist, secret)}"),
    }, Paths((str(playlist), f"{playlist}.txt"))


def _concat(playlist, secret):
    path = Path(f"{playlist}.txt")
    path.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    return path


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
@pytest.mark.parametrize("attack", ["a path", "a playlist", "a list of files"])
def test_ffmpeg_reads_no_other_file(pools, attacks, tmp_path, ffmpeg, attack):
    arguments = [one for one in attacks[0][attack] if _is_known(ffmpeg, one)]
    read = {}
    for name, each in pools.items():
        target = tmp_path / name / "leak"
        target.parent.mkdir()
        argv = (ffmpeg, "-v", "error", *arguments, "-c", "copy", "-f", "nut", f"file:{target}")
        _run(each, argv, replace(attacks[1], writing=(str(target.parent),)))
        read[name] = target.exists() and target.stat().st_size > 0
    assert read == {"jailed": False, "unjailed": True}


def _is_known(ffmpeg, argument):
    """Debian 12's ffmpeg is older than this option."""
    return ffmpeg == str(bundled_ffmpeg()) or argument not in ("-extension_picky", "0")


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
def test_ffmpeg_connects_to_nothing(pools, ffmpeg):
    connected = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.mp3"
        argv = (ffmpeg, "-v", "error", "-rw_timeout", "300000", "-i", url, "-f", "null", "-")
        for each in pools.values():
            _run(each, argv, Paths())
            connected.append(_has_connection(listener))
    assert connected == [False, True]


def _has_connection(listener):
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
def test_every_ffmpeg_encodes_in_the_jail(pool, tmp_path, ffmpeg):
    """With several threads, two passes of its index, and temporary files."""
    target = tmp_path / "made.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=320x180:d=1")
    argv = (ffmpeg, "-v", "error", *source, "-threads", "2", "-movflags", "+faststart", str(target))
    ended, _ = _run(pool, argv, Paths((), (str(tmp_path),)))
    assert (ended.status, ended.stderr_tail) == (0, "")
    assert target.stat().st_size > 1000


def test_a_child_has_no_capabilities_and_gets_no_new_ones(reading):
    names = ("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp")
    request = SandboxCall("status", names, Paths(("/proc/self/status",)), 20, 2**30)
    assert call(reading, request, TEXT).split() == ["0" * 16] * 4 + ["1", "2"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, and read it then")
def test_a_service_of_root_converts_files_of_other_users(pool, reading, tmp_path):
    source, secret = tmp_path / "input", tmp_path / "secret"
    for path in (source, secret):
        path.write_text(path.name)
        path.chmod(0o600)
        os.chown(path, 65534, 65534)
    assert _read(reading, str(source)) == "input"
    assert _run(pool, ("/bin/cat", str(source)), Paths((str(source),)))[1] == b"input"
    assert _run(pool, ("/bin/cat", str(source), str(secret)), Paths((str(source),)))[1] == b"input"


def test_a_child_finds_no_earlier_job_in_its_memory(reading):
    secret = f"the tags of another's file: {secrets.token_hex(16)}"
    call(reading, SandboxCall("echo", ("a longer message: " * 50 + secret,), Paths(), 20, 2**30), TEXT)
    seek = (secret[:12], hashlib.sha256(secret.encode()).hexdigest(), len(secret))
    itself = Paths(("/proc/self/maps", "/proc/self/mem"))

    search = SandboxCall("finds", seek, itself, 20, 2**30)
    assert call(reading, search, FOUND) is False
    own = SandboxCall("echo", (secret,), Paths(), 20, 2**30)
    assert [outcome.result for outcome in call_each(reading, [own, search], OTHER)] == [secret, True]


def test_a_job_may_declare_more_paths_than_a_child_may_open(reading, tmp_path):
    paths = [tmp_path / str(number) for number in range(300)]
    for path in paths:
        path.write_text(path.name)
    request = SandboxCall("read", (str(paths[-1]),), Paths(tuple(map(str, paths))), 20, 2**30)
    assert call(reading, request, TEXT) == "299"


def test_a_child_that_cannot_be_jailed_does_nothing(reading, tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(MediaError) as raised:
        _read(reading, str(loop))
    assert (raised.value.code, raised.value.message) == ("internal", UNJAILED)
    assert "JailFailed: this child cannot be jailed: [Errno 40]" in raised.value.detail


def test_no_child_starts_where_all_of_the_jail_is_required_and_a_part_is_missing():
    lacking = Jail(("Landlock",), handled=None, runtime=(), python_folders=(), call_filter=None, program_filter=None)
    with pytest.raises(JailFailed, match="PENSTOCK_JAIL is require, and this machine lacks Landlock"):
        enter(lacking, CallsJob((), RLIMITS))


def test_the_missing_parts_of_a_kernel_are_named():
    assert parts_on(Kernel("x86_64", 7, filters=True)).missing == ()
    assert parts_on(Kernel("aarch64", 1, filters=True)).missing == ()
    old, other = parts_on(Kernel("x86_64", 0, filters=False)), parts_on(Kernel("riscv64", 4, filters=True))
    assert [missing.split(" (")[0] for missing in old.missing] == ["Landlock", "the filter of system calls"]
    assert other.missing == ("the filter of system calls (x86_64 or aarch64, not riscv64)",)


def test_older_versions_of_landlock_are_asked_for_no_more_than_they_know():
    sizes = {version: len(handled_by(version).attributes) for version in (1, 2, 3, 4, 5, 6, 7)}
    assert sizes == {1: 8, 2: 8, 3: 8, 4: 16, 5: 16, 6: 24, 7: 24}
    assert [handled_by(version).files.bit_length() for version in (1, 2, 3, 4, 5, 9)] == [13, 14, 15, 15, 16, 16]


def test_the_state_says_what_a_child_can_still_do(unjailed):
    whole, partial = parts_on(Kernel("x86_64", 7, filters=True)), parts_on(Kernel("x86_64", 0, filters=True))
    said = str(JailState("auto", partial, Attempts(("start a process",), ("read another file",))))
    assert said.endswith("with landlock among the security modules); a child can still: read another file")
    assert JailState("auto", whole, Attempts(("start a process",), ())).is_complete
    assert not JailState("auto", whole, None).is_complete
    assert str(jail_state(unjailed)) == "off: a decoder that is taken over has this user's rights"


def _run(pool, argv, paths):
    output = Collector()
    ended = supervise(pool.start(ProgramJob(argv, RLIMITS, paths)), Timeouts(20), NoWatch(), output)
    return ended, bytes(output.collected)


def _read(pool, path):
    return call(pool, SandboxCall("read", (path,), Paths((path,)), 20, 2**30), TEXT)
