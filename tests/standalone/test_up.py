"""However `penstock up` ends, no process is left, and the next one continues its work."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penstock.host.ports import bind_port
from tests.service import (
    active_slots,
    alive,
    descendants,
    part,
    penstock_up,
    plain_environment,
    processes_with,
    wait_for,
    workers,
)

pytestmark = pytest.mark.service

ONE_SLOT = {"PENSTOCK_LEASE_SECONDS": "5", "PENSTOCK_TRANSCODE_SLOTS": "1"}
SCORED = {"PENSTOCK_RECEIPT_FRAMES": "4", "PENSTOCK_RECEIPT_STILLS": "true"}
# As somebody else's Prefect comes: who held a slot is forgotten when the server dies.
FORGETFUL = {"PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.memory"}


def test_a_service_killed_with_every_slot_held_leaves_nothing_running_and_the_next_goes_on(long_video, home, photo):
    with penstock_up(home, **ONE_SLOT) as first:
        task = killed_with_every_slot_held(first, long_video, "avi")
        with penstock_up(home, **ONE_SLOT, **SCORED) as second:
            assert its_worker_has_joined(second), "though Prefect still calls the killed one online"
            done = second.finished(task, 120)
            qualities = [scored(second, done), scored(second, second.finished(thumbnail(second, photo), 60))]
            wait_for(lambda: second.flow_run(task)["state_type"] == "CRASHED")
            wait_for(lambda: active_slots(second) == 0)
            another = killed_with_every_slot_held(second, long_video, "mov")
            with penstock_up(home, **ONE_SLOT, **FORGETFUL) as third:
                done_too = third.finished(another, 120)
                wait_for(lambda: active_slots(third) == 0)

    assert [(each["status"], each["attempt"]) for each in (done, done_too)] == [("completed", 2)] * 2
    assert [(quality["metric"], quality["frames"]) for quality in qualities] == [("vmaf", 4), ("vmaf", 1)]
    assert list((home / "scratch").iterdir()) == []


@pytest.fixture
def stranger():
    """A port with another server that reports a healthy Penstock."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"data": {"status": "ok"}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("option", ["--port", "--prefect-port"])
def test_a_taken_port_is_reported_before_anything_starts(stranger, tmp_path, option):
    said = up(tmp_path / "home", option, str(stranger))
    assert (said.returncode, said.stdout) == (2, "")
    assert f"Error: Port {stranger} of 127.0.0.1 is taken by another program; choose another: {option} " in said.stderr
    assert not (tmp_path / "home" / "postgres").exists()


def test_api_and_prefect_cannot_share_a_port(tmp_path):
    with bind_port("127.0.0.1", 0, "--port") as free:
        port = str(free.port)
    said = up(tmp_path / "home", "--port", port, "--prefect-port", port)
    message = f"Error: --port and --prefect-port are both {port}; choose two different ones.\n"
    assert (said.returncode, said.stderr) == (2, message)


def up(home, *options):
    command = [
        sys.executable,
        "-m",
        "penstock",
        "up",
        "--home",
        str(home),
        "--port",
        "0",
        "--prefect-port",
        "0",
        *options,
    ]
    return subprocess.run(command, env=plain_environment(), capture_output=True, text=True, timeout=120, check=False)


def its_worker_has_joined(penstock):
    return any(f" {part(penstock, 'worker-1')}" in name for name in workers(penstock))


def killed_with_every_slot_held(penstock, long_video, form):
    """The task whose encoder ran when the whole service was killed."""
    task = encoding(penstock, long_video, form)
    family = descendants(penstock.process.pid)
    assert set(processes_with("ffmpeg", task["id"])) & set(family)
    penstock.process.kill()
    penstock.process.wait()
    wait_for(lambda: not list(filter(alive, family)), 15)
    return task


def encoding(penstock, long_video, form):
    """A task whose encoder runs."""
    file = penstock.client.upload(long_video)
    task = penstock.client.create({"file_id": file["id"], "kind": "video", "format": form, "width": 1000, "end": 12})
    wait_for(lambda: processes_with("ffmpeg", task["id"]), 120)
    return penstock.client.task(task["id"])


def thumbnail(penstock, photo):
    file = penstock.client.upload(photo)
    return penstock.client.create({"file_id": file["id"], "kind": "image", "format": "jpeg", "width": 200})


def scored(penstock, task):
    return penstock.client.receipt(task["id"])["checks"]["quality"]
