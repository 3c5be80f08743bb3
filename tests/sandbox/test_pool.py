"""Child processes: output, limits, deadlines, and what is left when one or its owner is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from penstock.domain import errors
from penstock.engines import NoWatch, bundled_ffmpeg, sandbox_pool
from penstock.sandbox.job import ProgramJob, Rlimits
from penstock.sandbox.supervise import Collector, Timeouts, killed_from_outside, supervise

pytestmark = pytest.mark.media

RLIMITS = Rlimits(memory_bytes=2 << 30, cpu_seconds=30, file_bytes=1 << 20)
TIMEOUTS = Timeouts(20)


@pytest.fixture(scope="module")
def pool():
    """Without a jail, in which these scripts could start no process."""
    with sandbox_pool("off") as running:
        yield running


def test_a_child_writes_to_its_stdout(pool):
    ended, stdout = _run(pool, "echo hello; echo trouble >&2")
    assert (ended.status, stdout, ended.stderr_tail) == (0, b"hello\n", "trouble\n")


def test_an_exit_code_is_reported(pool):
    assert _run(pool, "exit 7")[0].status == 7


def test_a_signal_is_reported(pool):
    assert _run(pool, "kill -SEGV $$")[0].status == -signal.SIGSEGV


def test_only_the_end_of_stderr_is_kept(pool):
    ended, _ = _run(pool, "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done")
    assert len(ended.stderr_tail) <= 2048
    assert ended.stderr_tail.endswith("line 2999\n")


def test_a_child_inherits_nothing(pool):
    ended, stdout = _run(pool, "cat; env; ls -l /proc/self/fd | grep -c ' -> '; umask; nice")
    lines = stdout.decode().splitlines()
    assert ended.status == 0
    assert not [line for line in lines if line.startswith(("PATH=", "HOME=", "PYTHON", "AWS", "PENSTOCK"))]
    assert lines[-2:] == ["0077", str(min(19, os.nice(0) + 10))]
    # stdin, stdout and stderr, and the folder that `ls` reads
    assert int(lines[-3]) <= 4


def test_a_child_is_killed_first_when_memory_is_short(pool):
    assert _run(pool, "cat /proc/self/oom_score_adj")[1] == b"1000\n"


def test_memory_is_limited(pool):
    allocation = _python("x = bytearray(4 << 30)")
    ended, _ = _execute(pool, allocation)
    assert ended.status != 0
    assert "MemoryError" in ended.stderr_tail


def test_processor_time_is_limited(pool):
    rlimits = Rlimits(memory_bytes=1 << 30, cpu_seconds=2, file_bytes=1 << 20)
    ended = supervise(pool.start(ProgramJob(_shell("while :; do :; done"), rlimits)), TIMEOUTS, NoWatch(), Collector())
    assert ended.status == -signal.SIGKILL
    assert not killed_from_outside(ended, rlimits)


@pytest.mark.parametrize("victim", ["the child", "its supervisor"])
def test_a_child_killed_from_outside_did_not_exceed_its_limits(pool, victim):
    child = pool.start(ProgramJob(_shell("sleep 60"), RLIMITS))
    os.kill({"the child": child.pid, "its supervisor": _parent(child.pid)}[victim], signal.SIGKILL)
    assert killed_from_outside(supervise(child, TIMEOUTS, NoWatch(), Collector()), RLIMITS)


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_size_of_a_file_is_limited(pool, tmp_path):
    ended, _ = _run(pool, f"exec dd if=/dev/zero of={tmp_path}/large bs=65536 count=100")
    assert ended.status == -signal.SIGXFSZ


def test_a_deadline_kills_the_whole_group(pool):
    ended, stdout = _run(pool, "sleep 60 & echo $!; wait", Timeouts(0.5))
    assert ended.reason == "deadline"
    assert _ends(int(stdout))


def test_a_child_without_progress_is_killed(pool):
    start = time.monotonic()
    ended, _ = _run(pool, "sleep 60", Timeouts(60, stall_seconds=0.6))
    assert ended.reason == "stalled"
    assert time.monotonic() - start < 10


def test_a_child_that_uses_the_processor_is_not_stalled(pool):
    count = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo done"
    assert _run(pool, count, Timeouts(60, stall_seconds=0.6))[1] == b"done\n"


def test_cancelling_kills_the_whole_group_at_once(pool):
    class StopsAfterOutput(NoWatch):
        def stopped(self):
            return bool(output.collected)

    output = Collector()
    start = time.monotonic()
    child = pool.start(ProgramJob(_shell("sleep 60 & echo $!; wait"), RLIMITS))
    with pytest.raises(errors.Cancelled):
        supervise(child, TIMEOUTS, StopsAfterOutput(), output)
    assert time.monotonic() - start < 5
    assert _ends(int(output.collected))


def test_processes_of_a_child_die_with_it(pool):
    _, stdout = _run(pool, "sleep 60 >/dev/null 2>&1 & echo $!")
    assert _ends(int(stdout))


def test_many_threads_share_one_pool(pool):
    stdout = {}

    def work(number):
        stdout[number] = _run(pool, f"echo {number}")[1]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stdout == {number: f"{number}\n".encode() for number in range(16)}


def test_a_killed_fork_server_is_replaced():
    with sandbox_pool("off") as pool:
        assert _run(pool, "echo one")[1] == b"one\n"
        first = pool.pid
        os.kill(first, signal.SIGKILL)
        assert _wait_until(lambda: _state(first) in ("Z", None))
        assert _run(pool, "echo two")[1] == b"two\n"
        assert pool.pid != first


def test_a_job_outlives_its_fork_server():
    with sandbox_pool("off") as pool:
        child = pool.start(ProgramJob(_shell("sleep 0.3; echo late"), RLIMITS))
        os.kill(pool.pid, signal.SIGKILL)
        output = Collector()
        assert supervise(child, TIMEOUTS, NoWatch(), output).status == 0
        assert output.collected == b"late\n"


def test_a_closed_pool_leaves_no_process():
    with sandbox_pool("off") as pool:
        _run(pool, "true")
        pid = pool.pid
    assert _ends(pid)


def test_no_descriptors_or_zombies_are_left(pool):
    _run(pool, "true")
    before = _open_files()
    for _ in range(30):
        _run(pool, "true")
    assert _wait_until(lambda: not _open_files() - before)
    assert _wait_until(lambda: not _children_of(pool.pid))


def test_the_encoder_dies_with_a_killed_owner(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER.format(ffmpeg=bundled_ffmpeg())], stdout=subprocess.PIPE)
    with owner, closing(owner.stdout) as output:
        encoder, pool = map(int, output.readline().split())
        assert _state(encoder) is not None
        owner.kill()
        assert _ends(encoder, seconds=2)
        assert _ends(pool, seconds=2)


OWNER = textwrap.dedent(
    """
    import time
    from penstock.engines import sandbox_pool
    from penstock.sandbox.job import ProgramJob, Rlimits
    pool = sandbox_pool("off")
    argv = ("{ffmpeg}", "-loglevel", "quiet", "-re", "-f", "lavfi", "-i", "testsrc2", "-f", "null", "-")
    child = pool.start(ProgramJob(argv, Rlimits(2 << 30, 60, 1 << 20)))
    print(child.pid, pool.pid, flush=True)
    time.sleep(60)
    """
)


def _run(pool, script, timeouts=TIMEOUTS):
    return _execute(pool, _shell(script), timeouts)


def _execute(pool, argv, timeouts=TIMEOUTS):
    output = Collector()
    ended = supervise(pool.start(ProgramJob(argv, RLIMITS)), timeouts, NoWatch(), output)
    return ended, bytes(output.collected)


def _shell(script):
    return ("/bin/sh", "-c", script)


def _python(script):
    return (sys.executable, "-I", "-c", script)


def _ends(pid, seconds=5.0):
    return _wait_until(lambda: _state(pid) in (None, "Z"), seconds)


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def _children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _wait_until(predicate, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if predicate():
            return True
        threading.Event().wait(0.02)
    return bool(predicate())


def _open_files():
    """How many descriptors are open for each target. Numbers are reused, and other tests here may close theirs."""
    found = Counter()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found[str(descriptor.readlink())] += 1
    return found
