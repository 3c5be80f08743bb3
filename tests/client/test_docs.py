"""The programs of docs/client.md work as printed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import plain_environment

pytestmark = pytest.mark.service

PROGRAMS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "client.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_program_works_as_printed(penstock, clip, photo, tmp_path, number):
    shutil.copy(clip, tmp_path / "film.mov")
    shutil.copy(photo, tmp_path / "photo.png")
    environment = plain_environment() | {"PENSTOCK_HOME": str(penstock.home.root)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[number]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
