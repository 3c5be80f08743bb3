"""Every request of docs/api.md and docs/webhooks.md is accepted as printed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.documentation.pages import blocks, environment, run

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def shown_files(clip, photo):
    """What the addresses of the pages name."""
    for name, file in {"film.mov": clip, "1.jpg": photo, "2.jpg": photo}.items():
        shutil.copy(file, Path(clip).with_name(name))


@pytest.mark.parametrize("block", blocks("docs/api.md", "sh"), ids=lambda block: block.split()[1])
@pytest.mark.usefixtures("shown_files")
def test_the_request_is_accepted(penstock, origin, clip, tmp_path, block):
    shutil.copy(clip, tmp_path / "film.mov")
    said = run(penstock, block, tmp_path, origin)

    assert said.returncode == 0, said.stdout
    assert json.loads(said.stdout)["data"]


def test_the_endpoint_is_created(penstock, tmp_path):
    (block,) = blocks("docs/webhooks.md", "sh")
    said = run(penstock, block, tmp_path)

    assert said.returncode == 0, said.stdout
    endpoint = json.loads(said.stdout)["data"]
    known = {"headers": {"Authorization": f"Bearer {penstock.key}"}, "trust_env": False}
    httpx.delete(f"{penstock.service.api_url}/webhooks/{endpoint['id']}", **known).raise_for_status()
    assert endpoint["types"] == ["task.failed", "batch.completed"]


def test_the_resumable_upload_works_as_printed(penstock, clip, tmp_path):
    (program,) = (each for each in blocks("docs/api.md", "python") if "aiotus" in each)
    shutil.copy(clip, tmp_path / "film.mov")
    text = program.replace("http://127.0.0.1:8000", penstock.service.api_url).replace(
        "Bearer …", f"Bearer {penstock.key}"
    )
    said = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", text],
        cwd=tmp_path, env=environment(penstock), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert said.stdout.startswith(f"{penstock.service.api_url}/uploads/file_"), said.stderr


def test_the_signature_of_a_receipt_is_read_as_printed(penstock, origin, photo, tmp_path):
    task = penstock.converted({"url": f"{origin}/{photo.name}", "kind": "image", "format": "webp", "width": 47})
    (program,) = (each for each in blocks("docs/api.md", "python") if "jwt" in each)
    receipt = penstock.client.receipt(task["id"])
    shown = run(penstock, "penstock keys secret", tmp_path)
    known = {"signature": receipt["signature"], "receipt_key": shown.stdout.strip()}
    exec(program, known)

    assert known["receipt"] | {"signature": receipt["signature"]} == receipt
