"""However many ask at once, no more encoders run than are allowed; and what cannot start yet is not refused."""

import os
import signal
import time

import pytest

from tests.service import belongs_to, processes_with, wait_for

pytestmark = pytest.mark.service

SLOTS = os.cpu_count() or 1


def test_no_more_encoders_run_than_there_are_slots(penstock, origin, film):
    asked = [
        penstock.client.create({"url": f"{origin}/{film.name}", "kind": "video", "format": "webm", "height": height})
        for height in range(500, 500 + 2 * SLOTS + 2, 2)
    ]
    wait_for(lambda: len(encoders(asked)) == SLOTS, 60)
    seen = [len(encoders(asked)) for _ in watched(3)]
    for task in asked:
        penstock.client.cancel(task["id"])

    assert max(seen) == SLOTS
    assert [penstock.finished(task, 20)["status"] for task in asked] == ["cancelled"] * len(asked)


def test_a_request_is_taken_while_prefect_is_away_and_run_when_it_is_back(penstock, origin, photo):
    server = next(p for p in processes_with("prefect", "server", "start") if belongs_to(p, penstock.home))
    os.kill(server, signal.SIGKILL)
    task = penstock.client.create({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 44})
    assert (task["status"], task["run"]) == ("processing", None)

    done = penstock.finished(task, 150)
    assert (done["status"], done["attempt"]) == ("completed", 1)


def encoders(tasks):
    return [process for task in tasks for process in processes_with("ffmpeg", task["id"], "output.webm")]


def watched(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.05)
