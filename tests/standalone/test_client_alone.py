"""The client is installed, imported and type-checked without the dependencies of the service."""

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory):
    """The Python of a new environment with this wheel and what it requires without an extra."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as files:
        files.extractall(packages)
        (metadata,) = (name for name in files.namelist() if name.endswith("METADATA"))
        required = re.findall(r"^Requires-Dist: (.+)$", files.read(metadata).decode(), re.MULTILINE)
    for name in needed_by(required, set()):
        for path in {
            file.parts[0] for file in distribution(name).files or () if file.parts[0] not in ("..", "__pycache__")
        }:
            place = Path(distribution(name).locate_file(path))
            if place.exists() and not (packages / path).exists():
                (packages / path).symlink_to(place)
    return folder / "bin" / "python"


def needed_by(lines, known):
    """The distributions that these requirements need, without extras."""
    for requirement in map(Requirement, lines):
        if requirement.name not in known and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
            known.add(requirement.name)
            needed_by(distribution(requirement.name).requires or (), known)
    return known


def test_the_client_alone_is_imported(alone):
    program = (
        "import importlib.util as u; from penstock import convert, AsyncClient, errors; import penstock.client.drivers"
    )
    absent = "print([name for name in ('prefect', 'pydantic', 'sqlalchemy', 'PIL', 'click') if u.find_spec(name)])"
    told = subprocess.run([alone, "-c", f"{program}; {absent}"], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize("word", ["up", "convert"])
def test_a_command_says_what_to_install(alone, word):
    told = subprocess.run([alone, "-m", "penstock", word], capture_output=True, text=True, check=False)
    assert (told.returncode, "pip install 'penstock[service]'" in told.stderr) == (1, True)


def test_the_programs_of_the_docs_are_well_typed_from_outside(alone, tmp_path):
    for number, program in enumerate(re.findall(r"```python\n(.*?)```", (DOCS / "client.md").read_text(), re.DOTALL)):
        (tmp_path / f"program_{number}.py").write_text(program)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", alone, "--config-file", "/dev/null", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, "Success: no issues found in 5 source files\n")
