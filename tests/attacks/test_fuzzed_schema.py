"""schemathesis sends what the OpenAPI document allows, and what it forbids: every response is one that it describes."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from penstock.services import Services
from tests.api.app import Project, store_upload

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 8  # of each operation in each phase: 2,000 requests in 20 s


@pytest.fixture
def fuzzed(client: httpx.Client, parts: Services, project: Project, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    store_upload(parts, project)
    where = ("run", f"{client.base_url}/openapi.json", "--header", f"Authorization: Bearer {project.key}")
    how = ("--max-examples", str(EXAMPLES), "--seed", "1", "--request-timeout", "30", "--warnings", "off")
    argv = (sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), *where, *how, "--no-color")
    return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_every_response_is_one_that_the_document_describes(
    client: httpx.Client, fuzzed: subprocess.CompletedProcess[str]
):
    described = client.get("/openapi.json").json()["paths"].values()
    tested = re.search(r"Tested: +(\d+)", fuzzed.stdout)

    assert fuzzed.returncode == 0, fuzzed.stdout[-8000:]
    assert tested
    assert int(tested[1]) == sum(map(len, described))
