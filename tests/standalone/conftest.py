"""A home that these tests share, because its first start takes much longer than the next ones.

The first is that of an installed wheel, inside a project that has `flows`, `tasks` and `deployments` of its own."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.service import plain_environment, prefect_project

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class FirstConvert:
    """The first `penstock convert` on an empty home: its output, the file, and the home."""

    said: subprocess.CompletedProcess[str]
    made: Path
    home: Path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    with tarfile.open(built(CHECKOUT, "sdist", folder)) as sources:
        sources.extractall(folder, filter="data")
    return built(next(place for place in folder.iterdir() if place.is_dir()), "wheel", folder)


def built(project: Path, target: str, folder: Path) -> Path:
    before = set(folder.iterdir())
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    return (set(folder.iterdir()) - before).pop()


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of a new environment with this wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as files:
        files.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def first_convert(installed, clip, tmp_path_factory) -> FirstConvert:
    folder = tmp_path_factory.mktemp("alone")
    made, home = folder / "clip.flac", folder / "home"
    command = [installed, "-m", "penstock", "convert", clip, made, "--home", home]
    where = {"cwd": prefect_project(folder / "project"), "env": plain_environment(), "umask": 0o022}
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=170, **where)
    return FirstConvert(said, made, home)


@pytest.fixture
def home(first_convert) -> Path:
    return first_convert.home
