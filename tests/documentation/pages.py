"""The blocks of code that the documentation shows, and how they are run."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.service import Penstock, plain_environment

CHECKOUT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What is printed goes to the service of the tests, and fails where a server answers with an error.
CURL = 'curl() { command curl --silent --show-error --noproxy "*" --fail-with-body "$@"; echo; }\n'


def blocks(page: str, *languages: str) -> list[str]:
    """The blocks of a page in these languages."""
    return [text for language, text in BLOCK.findall((CHECKOUT / page).read_text()) if language in languages]


def environment(penstock: Penstock) -> dict[str, str]:
    """Where `penstock` is installed and its service runs."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = {"PENSTOCK_HOME": str(penstock.home.root), "PENSTOCK_API_KEY": penstock.key, "PATH": path}
    return plain_environment() | known


def run(penstock: Penstock, block: str, folder: Path, origin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a block as a shell does, with our service and a web server in place of those that it names."""
    printed = block.replace("http://127.0.0.1:8000", penstock.service.api_url)
    text = CURL + printed.replace("https://example.com", origin or "https://example.com")
    command = ["bash", "-e", "-o", "pipefail", "-c", text]
    return subprocess.run(
        command, cwd=folder, env=environment(penstock), capture_output=True, text=True, timeout=170, check=False
    )
