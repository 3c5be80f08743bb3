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
from penstock.engines import Nursery, Unwatched, shipped_ffmpeg
from penstock.engines.job import Bounds, Execute
from penstock.engines.process import Answer, Patience, attend, killed_by_host

pytestmark = pytest.mark.media

BOUNDS = Bounds(memory_bytes=2 << 30, cpu_seconds=30, file_bytes=1 << 20)
PATIENT = Patience(20)


def test_a_child_answers_on_its_output(nursery):
    ended, said = _run(nursery, "echo hello; echo trouble >&2")
    assert (ended.status, said, ended.tail) == (0, b"hello\n", "trouble\n")


def test_an_exit_code_is_told(nursery):
    assert _run(nursery, "exit 7")[0].status == 7


def test_a_signal_is_told(nursery):
    assert _run(nursery, "kill -SEGV $$")[0].status == -signal.SIGSEGV


def test_only_the_end_of_what_it_complains_of_is_kept(nursery):
    ended, _ = _run(nursery, "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done")
    assert len(ended.tail) <= 2048
    assert ended.tail.endswith("line 2999\n")


def test_a_child_inherits_nothing(nursery):
    ended, said = _run(nursery, "cat; env; ls -l /proc/self/fd | grep -c ' -> '; umask; nice")
    lines = said.decode().splitlines()
    assert ended.status == 0
    assert not [line for line in lines if line.startswith(("PATH=", "HOME=", "PYTHON", "AWS", "PENSTOCK"))]
    assert lines[-2:] == ["0077", "10"]
    # its own three, and the folder that `ls` is reading
    assert int(lines[-3]) <= 4


def test_a_child_is_the_first_to_go_when_memory_is_short(nursery):
    assert _run(nursery, "cat /proc/self/oom_score_adj")[1] == b"1000\n"


def test_memory_is_bounded(nursery):
    hungry = _python("x = bytearray(4 << 30)")
    ended, _ = _execute(nursery, hungry)
    assert ended.status != 0
    assert "MemoryError" in ended.tail


def test_processor_time_is_bounded(nursery):
    bounds = Bounds(memory_bytes=1 << 30, cpu_seconds=1, file_bytes=1 << 20)
    ended = attend(nursery.start(Execute(_shell("while :; do :; done"), bounds)), PATIENT, Unwatched(), Answer())
    assert ended.status == -signal.SIGKILL
    assert not killed_by_host(ended, bounds)


@pytest.mark.parametrize("victim", ["the child", "its supervisor"])
def test_a_child_that_was_killed_from_outside_is_told_from_one_that_went_too_far(nursery, victim):
    child = nursery.start(Execute(_shell("sleep 60"), BOUNDS))
    os.kill({"the child": child.pid, "its supervisor": _parent(child.pid)}[victim], signal.SIGKILL)
    assert killed_by_host(attend(child, PATIENT, Unwatched(), Answer()), BOUNDS)


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_file_is_bounded(nursery, tmp_path):
    ended, _ = _run(nursery, f"exec dd if=/dev/zero of={tmp_path}/large bs=65536 count=100")
    assert ended.status == -signal.SIGXFSZ


def test_a_deadline_kills_the_whole_group(nursery):
    ended, said = _run(nursery, "sleep 60 & echo $!; wait", Patience(0.5))
    assert ended.reason == "deadline"
    assert _gone(int(said))


def test_silence_is_not_waited_for(nursery):
    began = time.monotonic()
    ended, _ = _run(nursery, "sleep 60", Patience(60, stall_seconds=0.6))
    assert ended.reason == "stalled"
    assert time.monotonic() - began < 10


def test_a_busy_child_is_not_taken_for_a_stalled_one(nursery):
    count = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo done"
    assert _run(nursery, count, Patience(60, stall_seconds=0.6))[1] == b"done\n"


def test_cancelling_kills_the_whole_group_at_once(nursery):
    class Stopping(Unwatched):
        def stopped(self):
            return bool(answer.said)

    answer = Answer()
    began = time.monotonic()
    child = nursery.start(Execute(_shell("sleep 60 & echo $!; wait"), BOUNDS))
    with pytest.raises(errors.Cancelled):
        attend(child, PATIENT, Stopping(), answer)
    assert time.monotonic() - began < 5
    assert _gone(int(answer.said))


def test_what_a_child_leaves_behind_dies_with_it(nursery):
    _, said = _run(nursery, "sleep 60 >/dev/null 2>&1 & echo $!")
    assert _gone(int(said))


def test_many_threads_share_one_nursery(nursery):
    said = {}

    def work(number):
        said[number] = _run(nursery, f"echo {number}")[1]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: f"{number}\n".encode() for number in range(16)}


def test_a_killed_nursery_is_replaced():
    with Nursery() as nursery:
        assert _run(nursery, "echo one")[1] == b"one\n"
        first = nursery.pid
        os.kill(first, signal.SIGKILL)
        assert _until(lambda: _state(first) in ("Z", None))
        assert _run(nursery, "echo two")[1] == b"two\n"
        assert nursery.pid != first


def test_a_job_outlives_its_nursery():
    with Nursery() as nursery:
        child = nursery.start(Execute(_shell("sleep 0.3; echo late"), BOUNDS))
        os.kill(nursery.pid, signal.SIGKILL)
        answer = Answer()
        assert attend(child, PATIENT, Unwatched(), answer).status == 0
        assert answer.said == b"late\n"


def test_a_closed_nursery_leaves_no_process():
    with Nursery() as nursery:
        _run(nursery, "true")
        pid = nursery.pid
    assert _gone(pid)


def test_neither_descriptors_nor_zombies_are_left(nursery):
    _run(nursery, "true")
    before = _open_files()
    for _ in range(30):
        _run(nursery, "true")
    assert _until(lambda: not _open_files() - before)
    assert _until(lambda: not _children_of(nursery.pid))


def test_a_killed_owner_takes_its_encoder_along(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", OWNER.format(ffmpeg=shipped_ffmpeg())], stdout=subprocess.PIPE)
    with owner, closing(owner.stdout) as output:
        encoder, nursery = map(int, output.readline().split())
        assert _state(encoder) is not None
        owner.kill()
        assert _gone(encoder, seconds=2)
        assert _gone(nursery, seconds=2)


OWNER = textwrap.dedent(
    """
    import time
    from penstock.engines import Nursery
    from penstock.engines.job import Bounds, Execute
    nursery = Nursery()
    argv = ("{ffmpeg}", "-loglevel", "quiet", "-re", "-f", "lavfi", "-i", "testsrc2", "-f", "null", "-")
    child = nursery.start(Execute(argv, Bounds(2 << 30, 60, 1 << 20)))
    print(child.pid, nursery.pid, flush=True)
    time.sleep(60)
    """
)


def _run(nursery, script, patience=PATIENT):
    return _execute(nursery, _shell(script), patience)


def _execute(nursery, argv, patience=PATIENT):
    answer = Answer()
    ended = attend(nursery.start(Execute(argv, BOUNDS)), patience, Unwatched(), answer)
    return ended, bytes(answer.said)


def _shell(script):
    return ("/bin/sh", "-c", script)


def _python(script):
    return (sys.executable, "-I", "-c", script)


def _gone(pid, seconds=5.0):
    return _until(lambda: _state(pid) in (None, "Z"), seconds)


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None


def _children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _until(true, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        threading.Event().wait(0.02)
    return bool(true())


def _open_files():
    """Each by what it is, not by its number: a number is given again. Other tests in this process may close theirs."""
    found = Counter()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found[str(descriptor.readlink())] += 1
    return found
