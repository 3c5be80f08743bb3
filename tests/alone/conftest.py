"""A home that each of these tests starts something on: a first start costs much more than the next ones."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_convert_command import convert


@dataclass(frozen=True)
class FirstConvert:
    """What `penstock convert` said where there was nothing, what it made, and the home that it left behind."""

    said: subprocess.CompletedProcess[str]
    made: Path
    home: Path


@pytest.fixture(scope="session")
def first_convert(clip, tmp_path_factory) -> FirstConvert:
    folder = tmp_path_factory.mktemp("alone")
    made, home = folder / "clip.flac", folder / "home"
    return FirstConvert(convert(home, str(clip), str(made)), made, home)


@pytest.fixture
def home(first_convert) -> Path:
    return first_convert.home
