"""The blocks of code that the documentation shows, and how they are run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from penstock.cli.main import cli
from penstock.settings import Settings
from tests.service import Penstock, plain_environment

SETTINGS = {setting.validation_alias or f"PENSTOCK_{name.upper()}" for name, setting in Settings.model_fields.items()}
CHECKOUT = Path(__file__).parents[2]
ROOT = ("README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md")
PAGES = (*ROOT, *(str(path.relative_to(CHECKOUT)) for path in sorted((CHECKOUT / "docs").rglob("*.md"))))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What is printed goes to the service of the tests, and fails where a server answers with an error.
CURL = 'curl() { command curl --silent --show-error --noproxy "*" --fail-with-body "$@"; echo; }\n'


def blocks(page: str, *languages: str) -> list[str]:
    """The blocks of a page in these languages."""
    return [text for language, text in BLOCK.findall((CHECKOUT / page).read_text()) if language in languages]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command of ours that these words begin with, and the words after it."""
    found, rest = cli, words[1:]
    while rest and (chosen := subcommand(found, rest[0])):
        found, rest = chosen, rest[1:]
    return found, rest


def subcommand(command: click.Command, name: str) -> click.Command | None:
    if isinstance(command, click.Group):
        return command.get_command(click.Context(command), name)
    return getattr(command, "commands", {}).get(name)


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
