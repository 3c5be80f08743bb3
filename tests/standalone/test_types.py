"""The examples are typed from outside: mypy and pyright find no error in them where the wheel and Prefect are all there
is.

basedpyright is pyright with its Node.js in a wheel: pyright's own package downloads both at its first start."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.standalone.conftest import CHECKOUT

EXAMPLES = CHECKOUT / "deployments" / "examples"
# They import nothing of ours, but libraries that this environment has not: FastAPI, standardwebhooks, s3fs.
NOT_OURS = ("webhook_receiver.py", "s3_notification.py")
WRONG = 'from penstock.prefect import convert_media\n\nconvert_media("a.mov", format="mp5")\n'
SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """A folder with the examples, and an environment `env` of the locked packages of `penstock[prefect]`."""
    folder = tmp_path_factory.mktemp("clean")
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed: the types from outside are not checked")
    sync = ["uv", "sync", "--frozen", "--no-default-groups", "--extra", "prefect", "--no-install-project"]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {"UV_PROJECT_ENVIRONMENT": str(folder / "env")}
    synced = subprocess.run(sync, cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True)
    if "Failed to fetch" in synced.stderr or "network was disabled" in synced.stderr:
        pytest.skip("the packages of a clean environment cannot be downloaded: the types from outside are not checked")
    assert synced.returncode == 0, synced.stderr
    install = ["uv", "pip", "install", "--offline", "--no-deps", "--python", folder / "env" / "bin" / "python", wheel]
    subprocess.run(install, check=True, capture_output=True)
    for example in EXAMPLES.glob("*.py"):
        if example.name not in NOT_OURS:
            shutil.copy(example, folder)
    return folder


@pytest.mark.parametrize(
    "checker",
    [("mypy", "--strict", "--python-executable", "env/bin/python"), ("basedpyright", "--pythonpath", "env/bin/python")],
    ids=lambda checker: checker[0],
)
def test_only_the_wrong_call_is_an_error_from_outside(clean, checker):
    """Without it the checkers might find nothing because they know nothing."""
    (clean / "wrong.py").write_text(WRONG)
    (clean / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard", "include": ["*.py"]}')
    name, *options = checker
    command = [SCRIPTS / name, *options, *sorted(path.name for path in clean.glob("*.py"))]
    done = subprocess.run(command, cwd=clean, check=False, capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(found) == 1, done.stdout
    assert "wrong.py:3" in found[0]
