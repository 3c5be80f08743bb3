"""A home that these tests share, because its first start takes much longer than the next ones.

The first is that of an installed wheel, inside a project that has `flows`, `tasks` and `deployments` of its own."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import pytest

from penstock.host.home import Home
from tests.service import plain_environment, prefect_project

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class FirstConvert:
    """The first commands on an empty home: what they printed, their outputs, and the home."""

    said: tuple[subprocess.CompletedProcess[str], ...]
    outputs: tuple[Path, ...]
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
def first_convert(installed, clip, tmp_path_factory) -> Iterator[FirstConvert]:
    """Two commands at once on an empty home; their service lingers."""
    folder = tmp_path_factory.mktemp("alone")
    home = folder / "home"
    where = {"cwd": prefect_project(folder / "project"), "env": lingering(600), "umask": 0o022}
    outputs = [folder / "clip.flac", folder / "clip.wav"]
    commands = [[installed, "-m", "penstock", "convert", clip, output, "--home", home] for output in outputs]
    both = [subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, **where) for command in commands]
    said = [subprocess.CompletedProcess(each.args, 0, *each.communicate(timeout=170)) for each in both]
    for each, process in zip(said, both, strict=True):
        each.returncode = process.returncode
    yield FirstConvert(tuple(said), tuple(outputs), home)
    run_on(home, "stop")


def lingering(seconds: float) -> dict[str, str]:
    """The environment of commands whose service stays so long."""
    return plain_environment() | {"PENSTOCK_LINGER_SECONDS": str(seconds)}


def run_on(home: Path, *words: str, linger: float = 600) -> subprocess.CompletedProcess[str]:
    """A command of the checkout on this home."""
    command = [sys.executable, "-m", "penstock", *words, "--home", str(home)]
    environment = lingering(linger)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=170, check=False)


@pytest.fixture
def home(first_convert) -> Path:
    """A home that has been started before, and on which nothing runs."""
    if Home(first_convert.home).is_claimed():
        run_on(first_convert.home, "stop")
    return first_convert.home
