"""`penstock up` may be ended in any way: no process outlives it, and the next one goes on where it was."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penstock.ports import bound
from tests.cli.test_convert_command import plain
from tests.service import alive, descendants, penstock_up, processes_of, processes_with, wait_for

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


@pytest.fixture
def stranger():
    """The port of another Penstock, as far as its health goes."""
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
def test_a_port_that_is_taken_is_said_before_anything_starts(stranger, tmp_path, option):
    said = up(tmp_path / "home", option, str(stranger))
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        f"Error: Port {stranger} of 127.0.0.1 is taken by another program; choose another with {option}, 0 for any.\n"
    )
    assert not (tmp_path / "home" / "postgres").exists()


def test_two_parts_cannot_have_one_port(tmp_path):
    with bound("127.0.0.1", 0, "--port") as free:
        port = str(free.port)
    said = up(tmp_path / "home", "--port", port, "--prefect-port", port)
    assert (said.returncode, said.stderr) == (2, f"Error: --port and --prefect-port are both {port}; choose two.\n")


TAKE = """
import socket
from penstock.cli import up
start, other = up._start_parts, socket.socket()

def taken_first(members, wish, doors):
    other.bind(("127.0.0.1", doors.prefect_port))
    other.listen()
    start(members, wish, doors)

up._start_parts = taken_first
"""


def test_a_port_that_is_taken_once_it_was_looked_at_is_said_too(home):
    said = up(home, first=TAKE)
    assert (said.returncode, said.stdout) == (2, ""), said.stderr
    assert "of 127.0.0.1 is taken by another program; choose another with --prefect-port" in said.stderr
    assert processes_of(home) == []


def up(home, *options, first=""):
    script = f"{first}\nfrom penstock.__main__ import main\nmain()"
    command = [sys.executable, "-c", script, "up", "--home", str(home), "--port", "0", "--prefect-port", "0", *options]
    return subprocess.run(command, env=plain(), capture_output=True, text=True, timeout=120, check=False)


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
