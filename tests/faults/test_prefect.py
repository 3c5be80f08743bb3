"""Without Prefect requests are accepted all the same, and what has begun goes on."""

import os
import signal

import pytest

from tests.service import part, processes_with, suspended, wait_for

pytestmark = pytest.mark.service


def test_requests_are_accepted_while_prefect_hangs_and_complete_when_it_is_back(penstock, origin, long_video, photo):
    film = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "mov", "end": 20, "height": 222}
    running = penstock.client.create(film)
    wait_for(lambda: processes_with("ffmpeg", running["id"]), 120)
    with suspended(part(penstock, "prefect")):
        tasks = [
            penstock.client.create({"url": f"{origin}/{photo.name}", "kind": "image", "format": "png", "width": width})
            for width in range(40, 44)
        ]
    os.kill(part(penstock, "prefect"), signal.SIGTERM)

    done = [penstock.finished(task, 150) for task in (running, *tasks)]
    assert {(task["status"], task["attempt"]) for task in done} == {("completed", 1)}
