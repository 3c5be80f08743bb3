"""No more encoders run than there are slots; tasks without a slot wait."""

import contextlib
import os
import signal
import time

import httpx
import pytest

from benchmarks.harness.json_client import Refused
from penstock import Client
from tests.service import active_slots, part, processes_with, wait_for

pytestmark = pytest.mark.service

SLOTS = os.cpu_count() or 1


def test_no_more_encoders_run_than_there_are_slots(penstock, origin, long_video):
    asked = [
        penstock.client.create(
            {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "height": height}
        )
        for height in range(500, 500 + 2 * SLOTS + 2, 2)
    ]
    wait_for(lambda: len(encoders(asked)) == SLOTS, 60)
    seen = [len(encoders(asked)) for _ in watched(3)]
    for task in asked:
        penstock.client.cancel(task["id"])

    assert max(seen) == SLOTS
    assert [penstock.finished(task)["status"] for task in asked] == ["cancelled"] * len(asked)


def test_runs_survive_a_restart_of_database_and_prefect_and_new_tasks_wait(penstock, origin, long_video, photo):
    asked = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "height": 480, "end": 8}
    running = penstock.client.create(asked)
    wait_for(lambda: penstock.client.task(running["id"])["progress"] > 0, 120)
    with Client(penstock.service.api_url, penstock.key) as client:
        imported = client.import_file(f"{origin}/late/{photo.name}").id
    wait_for(lambda: list((penstock.home.root / "scratch").glob(f"{imported}*/input")), 60)
    killed = postgres(penstock.home)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: postgres(penstock.home) not in (killed, None), 60)
    wait_for(lambda: answers(penstock, running), 60)
    os.kill(part(penstock, "prefect"), signal.SIGKILL)
    asked = penstock.client.create({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 44})
    assert (asked["status"], asked["run"]) == ("processing", None)

    with Client(penstock.service.api_url, penstock.key) as client:
        wait_for(lambda: client.file(imported).status != "processing", 60)
        assert (client.file(imported).status, client.file(imported).filesize) == ("ready", photo.stat().st_size)
    for task in (running, asked):
        done = penstock.finished(task, 150)
        assert (done["status"], done["attempt"]) == ("completed", 1)
        wait_for(lambda done=done: state_in_prefect(penstock, done) == "COMPLETED", 60)
    wait_for(lambda: active_slots(penstock) == 0, 60)
    assert "the event stream of Prefect is down" in (penstock.home.root / "logs" / "api.log").read_text()


def test_a_run_that_ends_while_prefect_is_away_is_reported_later(penstock, origin, photo):
    task = penstock.client.create({"url": f"{origin}/late/{photo.name}", "kind": "image", "format": "webp"})
    wait_for(lambda: penstock.client.task(task["id"])["state"] == "fetching", 60)
    while (done := penstock.client.task(task["id"]))["status"] == "processing":
        with contextlib.suppress(StopIteration, ProcessLookupError):
            os.kill(part(penstock, "prefect"), signal.SIGKILL)
        time.sleep(0.05)

    assert (done["status"], done["attempt"]) == ("completed", 1)
    wait_for(lambda: state_in_prefect(penstock, done) == "COMPLETED", 60)


def state_in_prefect(penstock, task):
    """The task's run in Prefect; None while Prefect is down."""
    with contextlib.suppress(httpx.HTTPError):
        return penstock.flow_run(task)["state_type"]
    return None


def postgres(home):
    """The process id in its pid file. Connections of a killed server still respond for a moment."""
    with contextlib.suppress(OSError, ValueError):
        return int((home.root / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    return None


def answers(penstock, task):
    """The task, once the API reaches its database again."""
    with contextlib.suppress(Refused):
        return penstock.client.task(task["id"])
    return None


def encoders(tasks):
    return [process for task in tasks for process in processes_with("ffmpeg", task["id"], "output.webm")]


def watched(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.05)
