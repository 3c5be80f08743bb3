"""One call converts, and whatever goes wrong is a typed error that leaves nothing behind."""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penstock import AsyncClient, Client, aconvert, convert, errors
from penstock.client.loopback import client_at
from tests.service import part, wait_for

pytestmark = pytest.mark.service


@pytest.fixture(autouse=True)
def environment(penstock, monkeypatch):
    """The service on this machine, as a program beside it finds it."""
    monkeypatch.setenv("PENSTOCK_HOME", str(penstock.home.root))
    for name in ("PENSTOCK_API_URL", "PENSTOCK_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["httpx", "http.client"])
def client(request, penstock):
    """That of programs, and that of commands."""
    with Client() if request.param == "httpx" else client_at(penstock.service.api_url, penstock.key) as client:
        yield client


def uploads(penstock):
    with Client(penstock.service.api_url, penstock.key) as client:
        return {file.id for file in client.files() if file.object == "file"}


def test_a_path_is_converted_with_one_call(penstock, clip, tmp_path):
    before, seen = uploads(penstock), []
    task = convert(clip, format="webm", width=150, progress=lambda state, percent: seen.append((state, percent)))

    assert (task.status, task.output.width, task.receipt.output.sha256) == ("completed", 150, task.output.sha256)
    assert task.saved_bytes == clip.stat().st_size - task.output.filesize
    assert (seen[0], seen[-1]) == (("sending", 100), ("completed", 100))
    made = task.output.download(tmp_path / "clip.webm")
    assert hashlib.sha256(made.read_bytes()).hexdigest() == task.output.sha256
    assert uploads(penstock) == before


def test_the_same_from_an_async_program_by_the_variables_of_the_environment(
    penstock, origin, photo, tmp_path, monkeypatch
):
    monkeypatch.setenv("PENSTOCK_HOME", "/nowhere")
    monkeypatch.setenv("PENSTOCK_API_URL", penstock.service.api_url + "/")
    monkeypatch.setenv("PENSTOCK_API_KEY", penstock.key)

    async def program():
        task = await aconvert(f"{origin}/{photo.name}", format="webp", width=151)
        made = await task.output.adownload(tmp_path)
        async with AsyncClient() as client:
            listed = [file.id async for file in client.sources(format="webp")]
            uploaded = await client.upload(photo)
            return task, made, listed, await client.delete(uploaded.id)

    task, made, listed, deleted = asyncio.run(program())
    assert made == tmp_path / f"{task.output.id}.webp"
    assert (made.stat().st_size, deleted.url) == (task.output.filesize, None)
    assert task.output.id in listed


def test_without_waiting_the_task_is_there_at_once_and_can_be_followed(client, origin, photo):
    task = convert(f"{origin}/{photo.name}", format="gif", width=152, wait=False, fresh=True)
    assert task.status == "processing"
    ended = client.wait(task, timeout=60)
    assert ended.receipt.input.filesize == photo.stat().st_size
    assert client.receipt(task.id) == ended.receipt
    with pytest.raises(errors.TaskEnded):
        client.cancel(task.id)


def test_a_plan_tells_without_converting(client, origin, photo):
    plan = client.plan(url=f"{origin}/{photo.name}", format="webp", width=153)
    assert (plan.kind, plan.width, plan.steps[0].action) == ("image", 153, "render")


def test_refusals_have_one_shape_wherever_they_come_from(penstock, client, photo, origin, tmp_path):
    before = uploads(penstock)
    refused = {"format": "webp", "width": 5000}
    with pytest.raises(errors.UpscaleNotAllowed, match="400x300") as of_the_post:
        convert(photo, **refused)
    with pytest.raises(errors.UpscaleNotAllowed, match="400x300") as of_the_task:
        convert(f"{origin}/{photo.name}", **refused)
    (tmp_path / "noise.png").write_bytes(b"no picture")
    with pytest.raises(errors.InputUnreadable):
        convert(tmp_path / "noise.png", format="webp")
    with pytest.raises(errors.FieldUnknown, match="depth"):
        convert(f"{origin}/{photo.name}", format="webp", depth=3)
    with pytest.raises(errors.InvalidRequest) as both:
        client.create(url=f"{origin}/{photo.name}", format="webp", quality=3, width=0)

    assert str(of_the_post.value) == str(of_the_task.value)
    assert (of_the_post.value.task_id, of_the_task.value.task_id[:4]) == (None, "tsk_")
    assert [one.field for one in both.value.violations] == ["width", "quality"]
    assert uploads(penstock) == before


def test_a_wait_can_end_before_its_task_which_goes_on(client, origin, long_video):
    with pytest.raises(errors.WaitTimeout) as timeout:
        convert(f"{origin}/{long_video.name}", format="webm", end=31, timeout=0.3)
    assert client.task(timeout.value.task_id).status == "processing"
    client.cancel(timeout.value.task_id)
    with pytest.raises(errors.Cancelled):
        client.wait(timeout.value.task_id, timeout=60)


def test_an_interrupted_program_cancels_the_task_of_its_upload_and_deletes_it(penstock, client, long_video):
    before = uploads(penstock)
    program = f"from penstock import convert; convert({str(long_video)!r}, format='webm', end=32)"
    child = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    # In work: before, the program might not have had the answer to its request yet.
    tasks = partial(client.tasks, status="processing", format="webm")
    task = wait_for(lambda: next((one for one in tasks() if one.state == "transcoding"), None), 90)
    child.send_signal(signal.SIGINT)

    assert "KeyboardInterrupt" in child.communicate(timeout=60)[1]
    assert (client.task(task.id).status, uploads(penstock)) == ("cancelled", before)


def test_a_batch_is_made_followed_and_listed(client, origin, photo, tone):
    widths = [41, 42] if type(client) is Client else [57, 58]
    items = [{"url": f"{origin}/{photo.name}", "width": width} for width in widths]
    batch = client.create_batch(items=[*items, {"url": f"{origin}/{tone.name}"}], defaults={"format": "webp"})
    ended = client.wait_for_batch(batch, timeout=90)

    lines = {line.number: line for line in client.batch_items(batch.id)}
    assert (ended.counts.total, ended.counts.completed, ended.counts.failed) == (3, 2, 1)
    assert [lines[number].width for number in (1, 2)] == widths
    assert isinstance(lines[3].error.exception(), errors.KindIncompatible)
    assert batch.id in {each.id for each in client.batches()}
    assert client.rerun_batch(batch.id).id == batch.id
    assert client.wait_for_batch(batch.id, timeout=90).counts.completed == 2


def test_a_wrong_key_and_a_missing_service_say_what_to_do(penstock, monkeypatch, tmp_path):
    with Client(penstock.service.api_url, "wrong") as client, pytest.raises(errors.TokenInvalid):
        client.task("tsk_abcdefghijklmnop")
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    with pytest.raises(errors.ServiceNotFound, match="penstock up"):
        Client()
    with pytest.raises(errors.TokenMissing, match="PENSTOCK_API_KEY"):
        Client(penstock.service.api_url)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with Client(address, "key", retry_seconds=0.3) as client, pytest.raises(errors.ServiceUnreachable, match=address):
        client.task("tsk_abcdefghijklmnop")


def test_a_wait_survives_a_restart_of_the_api(penstock, client, origin, long_video):
    task = convert(f"{origin}/{long_video.name}", format="mp4", end=4, height=100, wait=False)
    died = part(penstock, "api")
    os.kill(died, signal.SIGKILL)
    assert client.wait(task, timeout=120).status == "completed"
    assert part(penstock, "api") != died


def test_a_download_is_continued_where_the_connection_broke(penstock, client, photo, tmp_path):
    file = client.upload(photo)
    with breaking_after(1000, photo.read_bytes()) as server:
        made = client.download(moved(file, server.url), tmp_path / "photo.png")
    assert (made.read_bytes(), server.ranges) == (photo.read_bytes(), [None, "bytes=1000-"])
    assert list(tmp_path.iterdir()) == [made]
    client.delete(file.id)


def test_a_download_that_fails_leaves_nothing_unless_it_is_to_be_resumed(client, photo, tmp_path):
    file, content = client.upload(photo), photo.read_bytes()
    with breaking_after(10, b"x" * len(content), refuse_ranges=True) as server:
        with pytest.raises(errors.ContentMismatch):
            client.download(moved(file, server.url), tmp_path / "photo.png")
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileExistsError):
        client.download(file, photo)
    (kept,) = [tmp_path / f".penstock-{file.sha256[:32]}.part"]
    kept.write_bytes(content[:700])
    assert client.download(file.id, tmp_path / "photo.png", resume=True).read_bytes() == content
    assert [place.name for place in tmp_path.iterdir()] == ["photo.png"]
    client.delete(file.id)


def test_a_download_to_a_full_disk_says_so(client, tmp_path):
    (tmp_path / "noise.csv").write_text("input\n" + "https://example.com/a.png\n" * 4000)
    file = client.upload(tmp_path / "noise.csv")
    with small_disk(tmp_path / "disk") as disk:
        with pytest.raises(errors.DiskFull, match="nothing was written"):
            client.download(file, disk / "list.csv")
        assert list(disk.iterdir()) == []
    client.delete(file.id)


@contextmanager
def small_disk(folder):
    folder.mkdir()
    asked = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False, capture_output=True
    )
    if asked.returncode:
        pytest.skip("mounting a disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def moved(file, url):
    return replace(file, url=url)


class Breaking(ThreadingHTTPServer):
    ranges: list[str | None]
    url: str


@contextmanager
def breaking_after(count, content, *, refuse_ranges=False):
    """A server whose first answer breaks off after so many bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            server.ranges.append(asked)
            start = int(asked[6:-1]) if asked and not refuse_ranges else 0
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: count if len(server.ranges) == 1 else None])

        def log_message(self, *_):
            pass

    server = Breaking(("127.0.0.1", 0), Handler)
    server.ranges, server.url = [], f"http://127.0.0.1:{server.server_port}/photo.png"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
