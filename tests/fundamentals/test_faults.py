"""Workers die. Their tasks do not."""

import os
import signal
import subprocess
import sys

import pytest

from tests.service import exported, part, prefect_project, processes_with, wait_for

pytestmark = pytest.mark.service


def test_a_task_whose_worker_is_killed_goes_to_another_run(penstock, origin, film):
    task = penstock.client.create({"url": f"{origin}/{film.name}", "kind": "video", "format": "avi", "end": 30})
    wait_for(lambda: processes_with("ffmpeg", task["id"], "output.avi"), 120)
    os.kill(part(penstock, "worker-1"), signal.SIGKILL)

    wait_for(lambda: not processes_with("ffmpeg", task["id"], "output.avi") or None, 5)
    done = penstock.finished(task, 150)
    assert (done["status"], done["attempt"]) == ("completed", 2)


def test_a_worker_that_is_told_to_stop_hands_on_what_it_cannot_end(penstock, origin, film):
    task = penstock.client.create({"url": f"{origin}/{film.name}", "kind": "video", "format": "webm", "height": 706})
    wait_for(lambda: penstock.client.task(task["id"])["progress"] > 0, 120)
    os.kill(part(penstock, "worker-1"), signal.SIGTERM)

    again = wait_for(lambda: at_attempt(penstock, task, 2), 60)
    penstock.client.cancel(task["id"])
    assert again["status"] == "processing"
    assert penstock.finished(task, 30)["status"] == "cancelled"


def test_a_stock_prefect_worker_serves_the_same_pool_from_any_project(penstock, origin, photo, tmp_path):
    sleeping = part(penstock, "worker-1")
    os.kill(sleeping, signal.SIGSTOP)
    try:
        task = penstock.client.create({"url": f"{origin}/{photo.name}", "kind": "image", "format": "gif", "width": 77})
        wait_for(lambda: penstock.client.task(task["id"])["run"])
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "media", "--type", "process"]
        place = {"cwd": prefect_project(tmp_path), "env": exported(penstock)}
        subprocess.run([*command, "--run-once"], check=True, capture_output=True, timeout=120, **place)
        done = penstock.finished(task)
    finally:
        os.kill(sleeping, signal.SIGCONT)
    assert done["status"] == "completed"


def test_plain_prefect_deploys_what_prefect_yaml_says(penstock):
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    said = subprocess.run(command, env=exported(penstock), capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def at_attempt(penstock, task, attempt):
    """The task once a worker is at work on this attempt."""
    found = penstock.client.task(task["id"])
    return found if found["attempt"] == attempt and found["progress"] > 0 else None
