"""`penstock up` may be ended in any way: no process outlives it, and the next one goes on where it was."""

import pytest

from tests.service import alive, descendants, penstock_up, processes_with, wait_for

pytestmark = pytest.mark.service


def test_killed_in_the_midst_of_an_encode_it_leaves_nothing_running_and_the_next_one_ends_it(film, home, photo):
    with penstock_up(home, PENSTOCK_LEASE_SECONDS="5") as killed:
        task = encoding(killed, film)
        family = descendants(killed.process.pid)
        assert set(processes_with("ffmpeg", task["id"])) & set(family)
        killed.process.kill()
        killed.process.wait()

        wait_for(lambda: not list(filter(alive, family)), 15)
        asked = {"PENSTOCK_LEASE_SECONDS": "5", "PENSTOCK_RECEIPT_FRAMES": "4", "PENSTOCK_RECEIPT_STILLS": "true"}
        with penstock_up(home, **asked) as next_one:
            done = next_one.finished(task, 120)
            qualities = [scored(next_one, done), scored(next_one, next_one.finished(thumbnail(next_one, photo), 60))]
            wait_for(lambda: next_one.flow_run(task)["state_type"] == "CRASHED")

    assert (done["status"], done["attempt"]) == ("completed", 2)
    assert [(quality["metric"], quality["frames"]) for quality in qualities] == [("vmaf", 4), ("vmaf", 1)]
    assert list((home / "rooms").iterdir()) == []


def encoding(penstock, film):
    """A task whose encoder is at work."""
    file = penstock.client.upload(film)
    task = penstock.client.create({"file_id": file["id"], "kind": "video", "format": "avi", "end": 30})
    wait_for(lambda: processes_with("ffmpeg", task["id"]), 120)
    return penstock.client.task(task["id"])


def thumbnail(penstock, photo):
    file = penstock.client.upload(photo)
    return penstock.client.create({"file_id": file["id"], "kind": "image", "format": "jpeg", "width": 200})


def scored(penstock, task):
    return penstock.client.receipt(task["id"])["checks"]["quality"]
