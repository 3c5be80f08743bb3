"""The clocks of two hosts need not agree."""

import pytest

from benchmarks.harness.wrong_clock import WrongClock
from tests.service import another_worker, part, prefect_project, processes_with, suspended, wait_for

pytestmark = pytest.mark.service


def test_a_worker_whose_clock_jumps_by_days_keeps_its_lease(penstock, origin, long_video, photo, tmp_path):
    clock = WrongClock(tmp_path / "clock")
    clock.jump("-2d")
    environment = clock.environment()
    with suspended(part(penstock, "worker-1")), another_worker(penstock, prefect_project(tmp_path), **environment):
        film = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "height": 228, "end": 10}
        task = penstock.client.create(film)
        wait_for(lambda: processes_with("ffmpeg", task["id"]), 120)
        clock.jump("+2d")
        picture = penstock.client.create(
            {"url": f"{origin}/{photo.name}", "kind": "image", "format": "png", "width": 45}
        )
        done = [penstock.finished(each, 120) for each in (task, picture)]

    assert {(each["status"], each["attempt"]) for each in done} == {("completed", 1)}
