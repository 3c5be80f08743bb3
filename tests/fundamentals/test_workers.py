"""Several workers and queues: each run is run once, and none is forgotten."""

import itertools
import subprocess
import sys

import psycopg
import pytest

from penstock.settings import Settings
from tests.fundamentals.stored import in_state
from tests.service import another_worker, csrf, exported, prefect_project, processes_with, wait_for, workers

pytestmark = pytest.mark.service

PICTURES = 16
QUEUE = "/work_pools/media/queues/images"
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def test_two_workers_share_the_work_and_run_nothing_twice(penstock, origin, photo, tmp_path):
    with another_worker(penstock, prefect_project(tmp_path)):
        tasks = [picture(penstock, f"{origin}/{photo.name}", 300 + width) for width in range(PICTURES)]
        done = [penstock.finished(task) for task in tasks]
        runs = [wait_for(lambda task=task: over(penstock, task)) for task in done]

    assert {(task["status"], task["attempt"]) for task in done} == {("completed", 1)}
    assert {(run["state_type"], run["run_count"]) for run in runs} == {("COMPLETED", 1)}
    assert len({owner.rpartition(":")[0] for owner in owners(penstock, done)}) == 2


def test_neither_an_image_nor_a_refusal_waits_for_videos(penstock, origin, long_video, photo):
    films = [
        penstock.client.create(
            {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "height": height}
        )
        for height in range(300, 300 + 4 * Settings().worker_slots, 2)
    ]
    try:
        wait_for(lambda: processes_with("ffmpeg", "output.webm"))
        done = penstock.finished(picture(penstock, f"{origin}/{photo.name}", 280))
        too_wide = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "mp4", "width": 5000}
        wait_for(lambda: in_state(penstock, "AwaitingEncoderSlot") > Settings().worker_slots, 150)
        refused = penstock.finished(penstock.client.create(too_wide))
        waiting = [penstock.client.task(task["id"])["status"] for task in films]
    finally:
        for task in films:
            penstock.client.cancel(task["id"])

    assert (done["status"], refused["error"]["code"]) == ("completed", "upscale_not_allowed")
    assert set(waiting) == {"processing"}
    assert {penstock.finished(task)["status"] for task in films} == {"cancelled"}


def test_a_paused_queue_keeps_its_runs_until_it_is_resumed(penstock, origin, photo, tone):
    change(penstock, QUEUE, is_paused=True)
    held = picture(penstock, f"{origin}/{photo.name}", 281)
    try:
        penstock.converted({"url": f"{origin}/{tone.name}", "kind": "audio", "format": "ogg", "quality": 0.31})
        assert penstock.client.task(held["id"])["status"] == "processing"
    finally:
        change(penstock, QUEUE, is_paused=False)
    assert penstock.finished(held)["status"] == "completed"


@pytest.mark.parametrize("of", ["queue", "deployment"])
def test_no_more_runs_at_once_than_the_limit(penstock, origin, photo, of):
    path = {"queue": QUEUE, "deployment": f"/deployments/{deployment(penstock)}"}[of]
    change(penstock, path, concurrency_limit=1)
    try:
        first = {"queue": 282, "deployment": 286}[of]
        tasks = [picture(penstock, f"{origin}/{photo.name}", width) for width in range(first, first + 4)]
        runs = [wait_for(lambda task=task: over(penstock, task)) for task in map(penstock.finished, tasks)]
    finally:
        change(penstock, path, concurrency_limit=None)

    times = sorted((run["start_time"], run["end_time"]) for run in runs)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def test_a_run_without_a_worker_takes_no_place_of_a_limit(penstock, origin, photo):
    """Its worker died after the task had ended and before Prefect was told."""
    done = penstock.finished(picture(penstock, f"{origin}/{photo.name}", 290))
    wait_for(lambda: over(penstock, done))
    change(penstock, QUEUE, concurrency_limit=1)
    try:
        believe_running(penstock, done)
        next_one = penstock.finished(picture(penstock, f"{origin}/{photo.name}", 291))
        told = wait_for(lambda: over(penstock, done))
    finally:
        change(penstock, QUEUE, concurrency_limit=None)

    assert (next_one["status"], told["state_type"]) == ("completed", "COMPLETED")


def test_a_worker_that_was_killed_is_removed_from_the_list(penstock):
    heard = {"name": "penstock gone 1", "heartbeat_interval_seconds": 30}
    penstock.prefect.post("/work_pools/media/workers/heartbeat", json=heard, headers=csrf(penstock)).raise_for_status()
    with psycopg.connect(penstock.service.database_url.replace("/penstock?", "/prefect?")) as prefect:
        silent = "UPDATE worker SET last_heartbeat_time = now() - interval '11 minutes' WHERE name = %s"
        assert prefect.execute(silent, [heard["name"]]).rowcount == 1
        # In a long run of the tests others are as old.
        heard_lately = "SELECT name FROM worker WHERE last_heartbeat_time > now() - interval '9 minutes'"
        living = {name for (name,) in prefect.execute(heard_lately)}
    script = "import asyncio; from penstock.orchestration.worker.dead_workers import remove_dead_workers as remove\n"
    subprocess.run([sys.executable, "-c", f"{script}asyncio.run(remove())"], env=exported(penstock), check=True)

    left = workers(penstock)
    assert heard["name"] not in left
    assert living <= left  # others of the service may just have begun
    assert living


def believe_running(penstock, task):
    """Set the run of a task to Running in Prefect."""
    running = {"state": {"type": "RUNNING"}, "force": True}
    path = f"/flow_runs/{task['run']['id']}/set_state"
    penstock.prefect.post(path, json=running, headers=csrf(penstock)).raise_for_status()
    assert over(penstock, task) is None


def picture(penstock, url, width):
    return penstock.client.create({"url": url, "kind": "image", "format": "png", "width": width})


def deployment(penstock):
    return penstock.prefect.get("/deployments/name/convert-source/convert-source").raise_for_status().json()["id"]


def change(penstock, path, **values):
    penstock.prefect.patch(path, json=values, headers=csrf(penstock)).raise_for_status()


def over(penstock, task):
    run = penstock.flow_run(task)
    return run if run["state_type"] in FINAL else None


def owners(penstock, tasks):
    with psycopg.connect(penstock.service.database_url) as records:
        rows = records.execute("SELECT owner FROM tasks WHERE id = ANY(%s)", [[task["id"] for task in tasks]])
        return [owner for (owner,) in rows]
