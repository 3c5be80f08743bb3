"""Tasks survive the death of their workers."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from penstock.cli.main import cli
from penstock.settings import Settings
from tests.fundamentals.stored import in_state
from tests.service import exported, part, prefect_project, processes_with, suspended, wait_for

pytestmark = pytest.mark.service


def test_a_task_whose_worker_is_killed_goes_to_another_run(penstock, origin, long_video):
    task = penstock.client.create({"url": f"{origin}/{long_video.name}", "kind": "video", "format": "avi", "end": 30})
    wait_for(lambda: processes_with("ffmpeg", task["id"], "output.avi"), 120)
    os.kill(part(penstock, "worker-1"), signal.SIGKILL)

    wait_for(lambda: not processes_with("ffmpeg", task["id"], "output.avi") or None, 5)
    done = penstock.finished(task, 150)
    assert (done["status"], done["attempt"]) == ("completed", 2)


def test_an_encoder_that_the_kernel_killed_is_tried_again(penstock, origin, long_video):
    task = penstock.client.create(
        {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "mov", "width": 998, "end": 15}
    )
    os.kill(wait_for(lambda: processes_with("ffmpeg", task["id"], "output.mov"), 120)[0], signal.SIGKILL)

    done = penstock.finished(task, 150)
    assert (done["status"], done["attempt"]) == ("completed", 1)


def test_a_stopped_worker_gives_back_what_it_cannot_finish(penstock, origin, long_video):
    task = penstock.client.create(
        {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "height": 706}
    )
    wait_for(lambda: penstock.client.task(task["id"])["progress"] > 0, 120)
    os.kill(part(penstock, "worker-1"), signal.SIGTERM)

    again = wait_for(lambda: at_attempt(penstock, task, 2), 60)
    penstock.client.cancel(task["id"])
    assert again["status"] == "processing"
    assert penstock.finished(task)["status"] == "cancelled"


def test_a_drained_worker_ends_its_runs_and_takes_no_new_ones(penstock, origin, long_video, tmp_path):
    """And those that only wait for an encoder go to others at once."""
    with suspended(part(penstock, "worker-1")):
        command = [sys.executable, "-m", "penstock", "worker", "--name", "second"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        worker = subprocess.Popen(command, cwd=tmp_path, env=exported(penstock), **quiet)
        task = penstock.client.create(
            {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "mp4", "height": 112}
        )
        wait_for(lambda: penstock.client.task(task["id"])["state"] == "transcoding", 90)
        film = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm"}
        heights = range(150, 152 + 2 * Settings().transcode_slots, 2)
        films = [penstock.client.create(film | {"height": height}) for height in heights]
        wait_for(lambda: in_state(penstock, "AwaitingEncoderSlot"), 60)
        drained = CliRunner().invoke(cli, ["worker", "drain", "second"], env={"PENSTOCK_HOME": str(penstock.home.root)})
        later = penstock.client.create(
            {"url": f"{origin}/{long_video.name}", "kind": "audio", "format": "wav", "end": 1}
        )
        assert wait_for(lambda: any(penstock.client.task(each["id"])["attempt"] == 2 for each in films))
        for each in films:
            penstock.client.cancel(each["id"])
        assert (drained.exit_code, worker.wait(120)) == (0, 0), drained.output
        done, waiting = (penstock.client.task(each["id"]) for each in (task, later))
    assert (done["status"], done["attempt"]) == ("completed", 1)
    assert waiting["status"] == "processing"
    assert penstock.finished(later)["status"] == "completed"


def test_a_stock_prefect_worker_serves_the_same_pool_from_any_project(penstock, origin, photo, tmp_path):
    with suspended(part(penstock, "worker-1")), stock_worker(penstock, tmp_path):
        task = penstock.client.create({"url": f"{origin}/{photo.name}", "kind": "image", "format": "gif", "width": 77})
        done = penstock.finished(task, 150)
        # A worker that is stopped sooner leaves its run open, which holds a place of the queue's limit for good.
        wait_for(lambda: penstock.flow_run(done)["state_type"] == "COMPLETED", 60)
    assert done["error"] is None
    assert done["status"] == "completed"


@contextlib.contextmanager
def stock_worker(penstock, folder):
    """Prefect's own worker. It polls repeatedly: a single poll misses a run whose row is being written."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "media", "--type", "process"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Prefect keeps the error of a stage that failed in a file of the home, as open as this process makes files.
    worker = subprocess.Popen(command, cwd=prefect_project(folder), env=exported(penstock), umask=0o077, **quiet)
    try:
        yield
    finally:
        worker.terminate()
        assert worker.wait(60) == 0


def test_prefect_deploy_deploys_prefect_yaml(penstock):
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    said = subprocess.run(command, env=exported(penstock), capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def at_attempt(penstock, task, attempt):
    """The task, once a worker runs this attempt."""
    found = penstock.client.task(task["id"])
    return found if found["attempt"] == attempt and found["progress"] > 0 else None
