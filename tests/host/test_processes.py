"""A process that ends is restarted; one that keeps failing ends the service, with the end of its log."""

import subprocess
import sys

import pytest

DYING = """
import itertools, sys, time
from pathlib import Path
from penstock.host import processes
processes.RESTART_DELAY_SECONDS = 0.2
ends = []
Path("dying.py").write_text("import sys; print('the reason', flush=True); " + sys.argv[1])
sys.path.insert(0, ".")
begun = time.monotonic()
with processes.service_processes(Path("logs"), 1) as running:
    running.start("part", ["dying"])
    while time.monotonic() < begun + 20:
        if running.restart_ended():
            print("again", flush=True)
            ends.append(time.monotonic())
        log = Path("logs/part.log")
        if log.exists() and log.read_text().count("reason") > 6:
            break
        time.sleep(0.01)
print("paused", all(after - before >= 0.2 for before, after in itertools.pairwise(ends[1:])))
"""


def watched(folder, code):
    command = [sys.executable, "-c", DYING, code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_process_that_fails_three_times_in_a_minute_ends_the_service(tmp_path):
    said = watched(tmp_path, "sys.exit(3)")
    assert said.stdout.split() == ["again", "again"]
    assert "ChildProcessError: part failed 3 times within a minute. The end of its log," in said.stderr
    assert said.stderr.rstrip().endswith("the reason")


@pytest.mark.parametrize("code", ["sys.exit(0)", "import os; os.kill(os.getpid(), 9)"], ids=["told to stop", "killed"])
def test_a_process_that_is_stopped_or_killed_is_restarted_without_limit_after_a_pause(tmp_path, code):
    said = watched(tmp_path, code)
    assert (said.returncode, said.stdout.split().count("again") >= 6) == (0, True), said.stderr
    assert said.stdout.endswith("paused True\n")


FINISHING = """
import sys, time
from pathlib import Path
from penstock.host import processes
Path("finishing.py").write_text("import sys; sys.exit(75)")
sys.path.insert(0, ".")
with processes.service_processes(Path("logs"), 1) as running:
    running.start("part", ["finishing"], final_exit=75)
    while not (finished := running.remove_finished()):
        time.sleep(0.01)
    print(finished.name, running.restart_ended(), running.processes)
"""


def test_a_process_that_has_finished_is_not_restarted(tmp_path):
    command = [sys.executable, "-c", FINISHING]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout == "part None []\n", said.stderr


STAYING = """
import sys, time
from pathlib import Path
from penstock.host import processes
stays = "import signal, time; signal.signal(15, lambda *_: None); print('ready', flush=True); time.sleep(50)"
Path("staying.py").write_text(stays)
sys.path.insert(0, ".")
with processes.service_processes(Path("logs"), 0.5) as running:
    part = running.start("part", ["staying"])
    while "ready" not in part.log_tail():
        time.sleep(0.01)
    stopped = time.monotonic()
print(part.process.exitcode, time.monotonic() - stopped < 10)
"""


def test_a_process_that_does_not_stop_in_time_is_killed(tmp_path):
    command = [sys.executable, "-c", STAYING]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout == "-9 True\n", said.stderr
