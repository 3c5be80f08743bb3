"""Every command of the pages on batches and schedules, and that of the README, works as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import photo_folder, picture, tree
from tests.service import plain_environment

pytestmark = pytest.mark.service

CHECKOUT = Path(__file__).parents[2]


def test_the_commands_of_the_page_on_batches_work_as_printed(penstock, tmp_path):
    photos = photo_folder(tmp_path / "photos", (2000, 1500))
    picture(photos / "2025" / "a.jpg", (2000, 1500))
    said = [run(penstock, block, tmp_path) for block in blocks("docs/batch.md")]

    assert [done.returncode for done in said] == [1, 1, 1, 1, 0, 0, 0], said
    assert said[0].stdout.startswith("4 converted, 1 skipped, 1 failed · ")
    assert "5 skip, " in said[2].stdout
    assert said[5].stdout.count("damaged.jpg") == 1
    assert {"a.webp", "icons/a.png", "2024/Müller/größe.webp"} <= tree(tmp_path / "web")
    assert "2024/Müller/größe-320.webp" in tree(tmp_path / "small")


def test_the_commands_of_the_page_on_schedules_work_as_printed(penstock, tmp_path):
    allowed = penstock.home.root.parent / "allowed"
    for name in ("photos", "inbox"):
        (allowed / name).mkdir(parents=True, exist_ok=True)
    said = [run(penstock, block.replace("/data", str(allowed)), tmp_path) for block in blocks("docs/schedules.md")]

    assert [(done.returncode, done.stderr) for done in said] == [(0, "")] * 3
    assert said[0].stdout == "nightly: 0 1 * * * Europe/Berlin\n"
    assert said[2].stdout.endswith("nightly: paused\nnightly: active\nnightly: removed\ninbox: removed\n")


def test_the_batch_of_the_readme_works_as_printed(penstock, tmp_path):
    (tmp_path / "sample").symlink_to(CHECKOUT / "sample")
    (command,) = re.findall(
        r"^uv run --no-dev (penstock batch .+)$", (CHECKOUT / "README.md").read_text(), re.MULTILINE
    )
    said = run(penstock, command, tmp_path)

    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("1 converted, 1 skipped · ")
    assert tree(tmp_path / "converted") == {"clip.mp4", "manifest.jsonl"}


def blocks(page: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (CHECKOUT / page).read_text(), re.DOTALL)


def run(penstock, commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block as a shell does, where `penstock` is installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = plain_environment() | {"PENSTOCK_HOME": str(penstock.home.root), "PATH": path}
    return subprocess.run(
        ["bash", "-c", commands], cwd=folder, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
