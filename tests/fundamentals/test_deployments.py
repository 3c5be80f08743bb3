"""Conversions can be started from Prefect alone: its form, a schedule, or a program that reaches only Prefect."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fundamentals.stored import files_of, tables_with
from tests.range_origin import running_range_origin
from tests.service import csrf, exported, wait_for

pytestmark = pytest.mark.service

README = Path(__file__).parents[2] / "README.md"
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def changing(photo):
    """A web server with one image, without ETag and Last-Modified."""
    with running_range_origin() as host:
        host.files = {"photo.png": photo.read_bytes()}
        yield host


def started(penstock, deployment, **parameters):
    found = penstock.prefect.get(f"/deployments/name/{deployment}/{deployment}").raise_for_status().json()
    return penstock.prefect.post(
        f"/deployments/{found['id']}/create_flow_run", json={"parameters": parameters}, headers=csrf(penstock)
    )


def run_of(penstock, **parameters):
    """The ended run of a request."""
    run = started(penstock, "convert-request", **parameters).raise_for_status().json()
    return wait_for(lambda: ended(penstock, run["id"]), 90)


def ended(penstock, run_id):
    run = penstock.prefect.get(f"/flow_runs/{run_id}").raise_for_status().json()
    return run if run["state_type"] in ENDED else None


def test_the_program_of_the_readme_works_as_printed(penstock, origin, tone, tmp_path):
    """Another machine: it has Prefect's URL and password, but none of our files and settings."""
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert "https://example.com/a.mov" in program
    known = {name: value for name, value in exported(penstock).items() if name in ("PATH", "PREFECT_API_AUTH_STRING")}
    environment = known | {"PREFECT_API_URL": penstock.service.prefect_api_url, "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program.replace("https://example.com/a.mov", f"{origin}/{tone.name}")],
        env=environment,
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    task_id, status, output_id = done.stdout.split()
    task = penstock.client.task(task_id)
    assert (status, output_id) == ("completed", task["output"]["id"])


def test_a_run_returns_the_task_without_its_links(penstock, origin, photo):
    request = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "jpg", "width": 31, "fit": None}
    run = run_of(penstock, request=request)
    told, task = run["state"]["data"], penstock.client.create(request)

    assert run["state_type"] == "COMPLETED"
    hidden = {"output": task["output"] | {"url": None}}
    assert told | {"run": None, "updated": None} == task | hidden | {"run": None, "updated": None}


def test_a_run_returns_the_task_as_the_api_does_without_its_secrets(penstock, origin, photo):
    task = penstock.converted(
        {"url": f"{origin}/{photo.name}?token=for-me-alone", "kind": "image", "format": "webp", "width": 32}
    )
    told = wait_for(lambda: ended(penstock, task["run"]["id"]))["state"]["data"]

    assert (told["id"], told["output"]["sha256"]) == (task["id"], task["output"]["sha256"])
    assert "for-me-alone" not in json.dumps(told)


def test_a_refused_request_fails_its_run_with_the_message_of_the_error(penstock):
    run = run_of(penstock, request={"url": "https://example.com/a.mov", "kind": "audio", "format": "mp3", "width": 8})

    assert (run["state_type"], run["state"]["data"]) == ("FAILED", None)
    assert run["state"]["message"].startswith("field_invalid: width ")


def test_a_failed_conversion_fails_its_run_with_the_message_of_the_error(penstock, origin, photo):
    request = {"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 4000}
    run = run_of(penstock, request=request)

    assert (run["state_type"], run["state"]["data"]) == ("FAILED", None)
    assert run["state"]["message"].startswith("upscale_not_allowed: ")


def test_a_repeated_request_converts_only_what_has_changed(penstock, changing):
    request = {"url": f"{changing.address}/whole/photo.png", "kind": "image", "format": "webp", "width": 33}
    first, second = (run_of(penstock, request=request) for _ in range(2))
    changing.files["photo.png"] += b"and a word that no decoder reads"
    third = run_of(penstock, request=request)

    one, two, three = (run["state"]["data"] for run in (first, second, third))
    assert second["state"]["message"] == f"unchanged since {one['output']['created']}: {one['id']}"
    assert [run["state_type"] for run in (first, second, third)] == ["COMPLETED"] * 3
    assert [task["attempt"] for task in (one, two, three)] == [1, 1, 2]
    assert one["output"]["id"] == two["output"]["id"] != three["output"]["id"]
    assert penstock.client.create(request)["attempt"] == 2


def test_a_missing_origin_fails_a_repeated_request_and_keeps_its_task(penstock, changing):
    request = {"url": f"{changing.address}/whole/photo.png", "kind": "image", "format": "webp", "width": 34}
    made = run_of(penstock, request=request)["state"]["data"]
    kept = changing.files.pop("photo.png")
    run = run_of(penstock, request=request)
    changing.files["photo.png"] = kept

    assert run["state"]["message"].startswith("input_unreachable: ")
    assert penstock.client.task(made["id"])["output"]["id"] == made["output"]["id"]


@pytest.mark.parametrize(
    ("hook", "marker"),
    [
        ("https://example.com/done?token=hush-71", "hush-71"),
        ("https://hooks.example.com/services/T024BE7LD/aB3xY9Qz7Rk2Lm5Tn8", "aB3xY9Qz7Rk2Lm5Tn8"),
    ],
)
def test_a_secret_webhook_is_refused_and_kept_nowhere_in_prefect(penstock, hook, marker):
    request = {"url": "https://example.com/a.mov", "kind": "video", "format": "mp4", "webhook_url": hook}
    answer = started(penstock, "convert-request", request=request)
    if answer.is_success:
        run = wait_for(lambda: ended(penstock, answer.json()["id"]), 60)
        assert run["state"]["message"].startswith("field_invalid: webhook_url carries a secret")
    else:
        assert "send a URL that carries a secret to the API instead" in answer.text

    assert tables_with(marker, penstock, "prefect") == []
    assert [place for place in files_of(penstock.home.root) if marker.encode() in place.read_bytes()] == []
