"""Webhooks of the running service: every way to end calls, in whatever order, and nothing is lost."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from tests.service import exported, plain_environment, wait_for
from tests.webhooks.receiver import Message, Receiver, receiving

pytestmark = pytest.mark.service

EXAMPLES = Path(__file__).parents[2] / "deployments" / "examples"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def api(penstock):
    headers = {"Authorization": f"Bearer {penstock.key}"}
    with httpx.Client(base_url=penstock.service.api_url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def endpoint(api, receiver) -> Iterator[Receiver]:
    """The receiver as an endpoint of the project."""
    hook = data(api.post("/webhooks", json={"url": receiver.url}))
    yield receiver
    data(api.delete(f"/webhooks/{hook['id']}"))


@pytest.fixture(scope="module")
def secret(penstock) -> str:
    command = [sys.executable, "-m", "penstock", "keys", "webhook-secret"]
    return subprocess.run(command, env=exported(penstock), capture_output=True, text=True, check=True).stdout.strip()


def data(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def content(message: Message, secret: str):
    return Webhook(secret).verify(message.body, message.headers)


def types_by_subject(receiver: Receiver, secret: str) -> dict[str, str]:
    contents = [content(message, secret) for message in receiver.messages]
    return {each["data"]["id"]: each["type"] for each in contents}


def test_every_way_to_end_is_told(  # noqa: PLR0917
    penstock, api, origin, photo, long_video, endpoint, secret
):
    request = {"url": f"{origin}/photo.png", "kind": "image", "format": "webp", "width": 101}
    done = data(api.post("/tasks", json=request))
    reused = data(api.post("/tasks", json=request | {"url": f"{origin}/photo.png?again"}))
    copied = data(api.post("/tasks", json={"url": f"{origin}/film.mp4", "kind": "video", "format": "mp4"}))
    refused = data(api.post("/tasks", json=request | {"width": 5000}))
    stopped = data(api.post("/tasks", json={"url": f"{origin}/film.mp4", "kind": "video", "format": "webm"}))
    api.post(f"/tasks/{stopped['id']}/cancel")
    wanted = {
        done["id"]: "task.completed", reused["id"]: "task.completed", copied["id"]: "task.completed",
        refused["id"]: "task.failed", stopped["id"]: "task.cancelled",
    }  # fmt: skip

    wait_for(lambda: set(types_by_subject(endpoint, secret)) >= set(wanted), 90)
    assert {name: told for name, told in types_by_subject(endpoint, secret).items() if name in wanted} == wanted
    told = next(content(each, secret)["data"] for each in endpoint.messages if done["id"].encode() in each.body)
    assert penstock.bytes_of(told["output"]["url"])[:4] == b"RIFF"
    shown = data(api.get(f"/tasks/{done['id']}"))
    del told["output"]["url"], shown["output"]["url"]  # signed anew each time
    assert told == shown


def test_a_batch_and_its_lines_are_told(api, origin, photo, receiver, secret):
    lines = [{"url": f"{origin}/photo.png", "width": width} for width in (111, 112, 9000)]
    body = {
        "items": lines, "defaults": {"format": "webp", "webhook_url": f"{receiver.url}/200"},
        "webhook_url": f"{receiver.url}/204",
    }  # fmt: skip
    batch = data(api.post("/batches", json=body))
    wait_for(lambda: len(receiver.messages) >= 4, 90)

    told = sorted((each.path, content(each, secret)["type"]) for each in receiver.messages)
    assert told == [
        ("/200", "task.completed"), ("/200", "task.completed"), ("/200", "task.failed"), ("/204", "batch.completed"),
    ]  # fmt: skip
    whole = next(content(each, secret)["data"] for each in receiver.messages if each.path == "/204")
    assert (whole["id"], whole["counts"]["completed"], whole["counts"]["failed"]) == (batch["id"], 2, 1)
    (delivery,) = data(api.get(f"/batches/{batch['id']}/deliveries"))
    assert (delivery["type"], delivery["url"]) == ("batch.completed", f"{receiver.url}/204")


def test_a_line_that_is_skipped_calls_a_new_receiver(api, origin, photo, receiver, secret):
    line = {"url": f"{origin}/photo.png", "format": "webp", "width": 121}
    first = data(api.post("/batches", json={"items": [line]}))
    wait_for(lambda: data(api.get(f"/batches/{first['id']}"))["status"] == "completed", 60)
    again = data(api.post("/batches", json={"items": [line | {"webhook_url": receiver.url}]}))
    wait_for(lambda: data(api.get(f"/batches/{again['id']}"))["status"] == "completed", 60)

    assert data(api.get(f"/batches/{again['id']}"))["counts"]["skipped"] == 1
    wait_for(lambda: receiver.messages)
    assert content(receiver.messages[0], secret)["type"] == "task.completed"


def test_the_log_says_what_happened_and_a_replay_sends_it_again(api, origin, photo, receiver):
    request = {"url": f"{origin}/photo.png", "kind": "image", "format": "webp", "width": 131}
    task = data(api.post("/tasks", json=request | {"webhook_url": f"{receiver.url}/302"}))

    def log():
        found = data(api.get(f"/tasks/{task['id']}/deliveries"))
        return found[0] if found and found[0]["log"] else None

    delivery = wait_for(log, 60)
    assert (delivery["status"], delivery["log"][0]["code"], delivery["log"][0]["status"]) == (
        "pending", "redirected", 302,
    )  # fmt: skip
    sent = len(receiver.messages)
    data(api.post(f"/tasks/{task['id']}/deliveries/{delivery['id']}/replay"))
    wait_for(lambda: len(receiver.messages) > sent)
    assert {each.id for each in receiver.messages} == {delivery["id"]}


def test_the_receiver_of_the_documentation_gets_a_task(api, origin, photo, secret):
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "webhook_receiver:app", "--port", str(port), "--log-level", "error"]
    environment = plain_environment() | {"WEBHOOK_SECRET": secret}
    running = subprocess.Popen(command, cwd=EXAMPLES, env=environment)
    try:
        wait_for(lambda: listens(port))
        request = {"url": f"{origin}/photo.png", "kind": "image", "format": "webp", "width": 141}
        task = data(api.post("/tasks", json=request | {"webhook_url": f"http://127.0.0.1:{port}/penstock"}))

        def delivered():
            found = data(api.get(f"/tasks/{task['id']}/deliveries"))
            return found and found[0]["status"] == "delivered"

        wait_for(delivered, 60)
        forged = httpx.post(f"http://127.0.0.1:{port}/penstock", json={"type": "task.completed"}, trust_env=False)
        assert forged.status_code == 401
    finally:
        running.terminate()
        running.wait(10)


def test_listen_prints_what_ends_and_removes_its_endpoint(penstock, api, origin, photo):
    port = free_port()
    command = [sys.executable, "-m", "penstock", "webhooks", "listen", "--port", str(port)]
    environment = exported(penstock) | {"PYTHONUNBUFFERED": "1"}
    listener = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert f"127.0.0.1:{port}" in listener.stderr.readline()
        request = {"url": f"{origin}/photo.png", "kind": "image", "format": "webp", "width": 151}
        task = data(api.post("/tasks", json=request))
        assert listener.stdout.readline().split()[1:] == ["task.completed", task["id"]]
    finally:
        os.kill(listener.pid, signal.SIGINT)
        listener.communicate(timeout=20)
    assert listener.returncode == 0
    assert [each["url"] for each in data(api.get("/webhooks"))] == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
