"""A scratch folder is removed when its run ends, or by a sweep if its run died."""

import os
import signal
import subprocess
import sys

import pytest

from penstock.host.scratch import remove_dead_folders, scratch_folder


def test_a_scratch_folder_is_removed_when_its_run_ends(tmp_path):
    with scratch_folder(tmp_path / "scratch", "tsk_1") as room:
        (room / "input").write_bytes(b"media")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_scratch_folder_is_removed_when_its_run_fails(tmp_path):
    with pytest.raises(RuntimeError), scratch_folder(tmp_path, "tsk_1"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_keeps_the_folders_of_live_runs(tmp_path):
    with scratch_folder(tmp_path, "tsk_1") as room:
        assert remove_dead_folders(tmp_path, creation_seconds=0) == 0
        assert room.is_dir()


def test_a_sweep_removes_the_folder_of_a_killed_run(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from penstock.host.scratch import scratch_folder\n"
        "with scratch_folder(Path(sys.argv[1]), 'tsk_1') as room: print(room, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.readline()
        os.kill(run.pid, signal.SIGKILL)
    assert remove_dead_folders(tmp_path) == 1, "however short a time ago it was made"
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_keeps_a_folder_that_is_being_created(tmp_path):
    (tmp_path / ".tsk_1-newborn").mkdir()
    assert remove_dead_folders(tmp_path) == 0
    assert remove_dead_folders(tmp_path, creation_seconds=0) == 1
