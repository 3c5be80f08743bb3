"""The wheel is installed as people install it, with the versions of the lock file."""

import os
import shutil
import subprocess

import pytest

from tests.service import prefect_project
from tests.standalone.conftest import CHECKOUT

OFFLINE = ("Failed to fetch", "network was disabled", "No cached")


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """The versions of the lock file."""
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed: `uv tool install` is not tested")
    file = tmp_path_factory.mktemp("locked") / "versions.txt"
    export = ["uv", "export", "--frozen", "--no-dev", "--extra", "service", "--no-hashes", "--no-emit-project"]
    subprocess.run([*export, "--output-file", file], cwd=CHECKOUT, check=True, capture_output=True)
    return file


def test_a_tool_plans_inside_a_project_that_has_flows_of_its_own(wheel, locked, clip, tmp_path):
    places = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    where = {"cwd": prefect_project(tmp_path / "project"), "env": known() | places}
    wanted = f"penstock[service] @ {wheel}"
    installed = said("uv", "tool", "install", "--constraints", locked, wanted, **where)
    if any(word in installed.stderr for word in OFFLINE):
        pytest.skip("packages cannot be downloaded: `uv tool install` is not tested")
    tool = tmp_path / "bin" / "penstock"
    version = said(tool, "--version", **where)
    plan = said(tool, "plan", clip, "clip.mp4", "--width", "320", "--home", tmp_path / "home", **where)
    at_once = said("uvx", "--constraints", locked, "--from", wanted, "penstock", "--version", **where)

    assert installed.returncode == 0, installed.stderr
    assert version.stdout == at_once.stdout == f"penstock, version {wheel.name.split('-')[1]}\n"
    assert "encode h264" in plan.stdout, plan.stderr


def known():
    """The environment without that of the tests."""
    return {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}


def said(*command, **where):
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, **where)
