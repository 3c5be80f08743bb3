"""A worker that stalls beyond its lease and wakes up again changes nothing."""

import pytest

from benchmarks.harness.service import still
from tests.service import another_worker, descendants, part, prefect_project, processes_with, wait_for

pytestmark = pytest.mark.service


def test_what_a_stalled_worker_held_is_converted_once_by_another(penstock, origin, long_video, tmp_path):
    before = stored(penstock)
    with another_worker(penstock, prefect_project(tmp_path)) as second:
        film = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "height": 226, "end": 15}
        task = penstock.client.create(film)
        encoders = wait_for(lambda: processes_with("ffmpeg", task["id"]), 120)
        owner = second if encoders[0] in descendants(second) else part(penstock, "worker-1")
        with still(owner):
            done = penstock.finished(task, 150)
        wait_for(lambda: not processes_with("ffmpeg", task["id"]))

    assert (done["status"], done["attempt"]) == ("completed", 2)
    assert penstock.client.task(task["id"]) | {"output": None} == done | {"output": None}
    assert stored(penstock) - before == {done["output"]["id"]}


def stored(penstock):
    return {path.name.partition(".")[0] for path in (penstock.home.root / "files").rglob("file_*") if path.is_file()}
