"""`penstock convert` without a running service starts one and stops it again."""

import os
import zipfile
from pathlib import Path

import pytest

import penstock
from tests.service import open_to_others, processes_of

pytestmark = pytest.mark.service

PACKAGE = Path(penstock.__file__).parent


def test_a_wheel_has_one_package_with_all_modules(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {name.split("/")[0] for name in names} == {"penstock", f"penstock-{penstock.__version__}.dist-info"}
    assert {f"penstock/{name}" for name in ours()} == {name for name in names if name.startswith("penstock/")}


def ours():
    """The files of `penstock` in the checkout by their path in the package; three folders are links."""
    found = [Path(folder) / name for folder, _, names in os.walk(PACKAGE, followlinks=True) for name in names]
    return {str(path.relative_to(PACKAGE)) for path in found if path.suffix != ".pyc"}


def test_convert_starts_a_service_and_stops_it_again(first_convert):
    home = first_convert.home

    assert first_convert.said.returncode == 0, first_convert.said.stderr
    assert first_convert.made.read_bytes()[:4] == b"fLaC"
    assert processes_of(home) == []
    key = (home / "secrets" / "api_key").read_text()
    assert [log.name for log in (home / "logs").iterdir() if key in log.read_text(errors="replace")] == []


def test_the_home_is_private_and_the_output_is_not(first_convert):
    assert open_to_others(first_convert.home) == []
    assert first_convert.made.stat().st_mode & 0o777 == 0o644
