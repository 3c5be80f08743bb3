"""The API documentation in Chromium without internet."""

import subprocess
from collections.abc import Iterator

import pytest

from penstock.services import Services, open_services
from penstock.settings import Settings
from tests.api.app import FakeRunService, serving
from tests.browser import chromium as driver

OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@pytest.fixture
def parts(new_database, tmp_path) -> Iterator[Services]:
    with open_services(Settings(home=tmp_path, database_url=new_database())) as opened:
        opened.records.migrate()
        yield opened


def test_the_documentation_works_without_internet(parts, tmp_path):
    browser = driver.installed()
    if browser is None:
        pytest.skip("Chromium is not on this machine: apt-get install chromium (as root) brings it")
    flags = (*driver.FLAGS, OFFLINE, f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0")
    with serving(parts, FakeRunService()) as client:
        command = [browser, *flags, "--virtual-time-budget=20000", "--dump-dom", f"{client.base_url}/docs"]
        drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert "Authorize" in drawn.stdout
    assert "/tasks/{task_id}/receipt" in drawn.stdout.replace("\u200b", "").replace("<wbr>", "")
    assert "CONSOLE" not in drawn.stderr
