"""Imports by the whole service: one flow run each, and nothing is lost when parts of it die."""

import os
import signal

import httpx
import pytest

from penstock import Client, errors
from tests.service import csrf, part, wait_for

pytestmark = pytest.mark.service


@pytest.fixture
def client(penstock):
    with Client(penstock.service.api_url, penstock.key) as client:
        yield client


def ended(client, file, seconds=60):
    def settled():
        now = client.file(file.id)
        return now if now.status != "processing" else None

    return wait_for(settled, seconds)


def runs_of(penstock, file):
    wanted = {"flow_runs": {"name": {"like_": file.id}}}
    return penstock.prefect.post("/flow_runs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()


def final_runs_of(penstock, file):
    """Prefect learns of a run's end a moment after the records."""
    runs = runs_of(penstock, file)
    return runs if all(run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") for run in runs) else None


def stages_of(penstock, run):
    wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    found = penstock.prefect.post("/task_runs/filter", json=wanted, headers=csrf(penstock)).json()
    return sorted(stage["name"] for stage in found)


def test_an_import_is_one_run_with_its_stages_and_then_an_input(penstock, client, origin, clip, tmp_path):
    file = client.import_file(f"{origin}/{clip.name}", metadata={"shelf": 7})
    done = ended(client, file)
    [run] = wait_for(lambda: final_runs_of(penstock, file))

    assert (file.status, done.status, done.name, done.metadata) == ("processing", "ready", "clip.mp4", {"shelf": 7})
    assert (done.filesize, done.width, done.url is None) == (clip.stat().st_size, 640, False)
    assert done.download(tmp_path / "same.mp4").read_bytes() == clip.read_bytes()
    assert (run["name"], run["state"]["message"][:13]) == (f"import clip.mp4 · {file.id}", "clip.mp4: mp4")
    assert run["parameters"] == {"file_id": file.id, "attempt": 1}
    wait_for(lambda: stages_of(penstock, run) == ["fetch", "record", "upload", "validate"])
    renamed = client.update_file(file.id, name="Sea.mp4")
    task = client.wait(client.create(file_id=renamed.id, format="jpeg", width=160))
    assert (task.output.name, task.output.width) == ("Sea.jpeg", 160)


def test_the_client_signs_links_for_browsers(penstock, client, photo):
    upload = client.sign_upload("photo.png", max_bytes=10**6)
    httpx.put(upload.url, content=photo.read_bytes(), trust_env=False).raise_for_status()
    download = client.sign_download(upload.file_id, expiry=upload.expiry)

    assert penstock.bytes_of(download.url) == photo.read_bytes()
    assert upload.url not in repr(upload)
    assert client.wait(client.create(file_id=upload.file_id, format="webp", width=44)).output.name == "photo.webp"


def test_an_import_that_cannot_succeed_fails_with_the_reason_and_keeps_nothing(penstock, client, origin, media_folder):
    (media_folder / "notes.txt").write_text("no media")
    bad = ended(client, client.import_file(f"{origin}/notes.txt"))
    gone = ended(client, client.import_file(f"{origin}/gone.mp4"))

    assert (bad.status, bad.error.code, bad.filesize) == ("failed", "input_unreadable", None)
    assert (gone.status, gone.error.code, gone.error.step) == ("failed", "input_unreachable", "fetch")
    [run] = wait_for(lambda: final_runs_of(penstock, bad))
    assert (run["state_name"], "refused" in run["tags"]) == ("Refused", True)
    with pytest.raises(errors.FileNotFound):
        client.create(file_id=bad.id, format="webp")


def test_an_import_whose_worker_is_killed_goes_to_another_run(penstock, client, origin, long_video):
    file = client.import_file(f"{origin}/stuck/{long_video.name}")
    wait_for(lambda: [run for run in runs_of(penstock, file) if run["state_type"] == "RUNNING"], 60)
    os.kill(part(penstock, "worker-1"), signal.SIGKILL)

    wait_for(lambda: len(runs_of(penstock, file)) == 2, 60)
    assert client.file(file.id).status == "processing"
    client.delete(file.id)
    runs = wait_for(lambda: final_runs_of(penstock, file), 60)
    assert {run["state_type"] for run in runs} <= {"CRASHED", "CANCELLED"}


def test_a_cancel_in_prefect_ends_the_import(penstock, client, origin, long_video):
    file = client.import_file(f"{origin}/stuck/{long_video.name}", name="cancelled.mp4")
    [run] = wait_for(lambda: [run for run in runs_of(penstock, file) if run["state_type"] == "RUNNING"], 60)
    state = {"state": {"type": "CANCELLING"}}
    penstock.prefect.post(f"/flow_runs/{run['id']}/set_state", json=state, headers=csrf(penstock)).raise_for_status()

    assert (ended(client, file).status, ended(client, file).error.code) == ("failed", "cancelled")
    [run] = wait_for(lambda: final_runs_of(penstock, file), 60)
    assert run["state_type"] == "CANCELLED"
