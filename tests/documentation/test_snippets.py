"""What the documentation shows works: it is run as printed, or names only commands and settings that there are."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documentation.pages import CHECKOUT, PAGES, SETTINGS, blocks, command_of, run
from tests.pictures import photo_folder, tree

# Pages whose blocks are run as printed, by these tests.
RUN = {
    "docs/index.md": "tests/documentation/test_snippets.py",
    "docs/api.md": "tests/documentation/test_requests.py",
    "docs/webhooks.md": "tests/documentation/test_requests.py",
    "docs/backup.md": "tests/documentation/test_backup.py",
    "docs/convert.md": "tests/cli/test_several_inputs.py",
    "docs/batch.md": "tests/fundamentals/test_batch_docs.py",
    "docs/schedules.md": "tests/fundamentals/test_batch_docs.py",
    "docs/client.md": "tests/client/test_docs.py",
    "docs/prefect.md": "tests/automation/test_calling.py",
    "docs/events.md": "tests/test_docs.py",
}
# Pages of commands for other machines, a cluster or a console: their words are checked. Those of the README that
# convert are run by tests/cli, tests/fundamentals and tests/standalone.
READ = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/containers.md",
    "docs/lineage.md",
    "docs/s3.md",
    "docs/several-machines.md",
)
OTHERS = {"cp", "curl", "docker", "eval", "install", "kubectl", "pip", "prefect", "systemctl", "useradd", "uv"}
ASSIGNMENT = re.compile(r"\w+=")
# The installation, which tests/standalone does, and what does not end.
NOT_RUN = ("uv tool install", "penstock up")


def words_of(page: str) -> Iterator[list[str]]:
    """The words of each command of a page."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").replace("&&", "\n").splitlines():
            if words := shlex.split(line, comments=True):
                yield words[3:] if words[:3] == ["uv", "run", "--no-dev"] else words


def test_every_page_with_code_is_run_or_read():
    with_code = {page for page in PAGES if blocks(page, "sh", "python", "pycon")}
    named = {page for page, test in RUN.items() if is_named(Path(page), (CHECKOUT / test).read_text())}

    assert with_code == named | set(READ)


def is_named(page: Path, test: str) -> bool:
    return f'{page.name}"' in test or f'page("{page.stem}")' in test


@pytest.mark.parametrize("page", READ)
def test_every_command_and_setting_is_one(page: str):
    assert [words for words in words_of(page) if not is_known(words)] == []


def is_known(words: list[str]) -> bool:
    assigned = [word.partition("=")[0] for word in words if ASSIGNMENT.match(word)]
    command = [word for word in words if not ASSIGNMENT.match(word) and word != "export"]
    return (
        all(name in SETTINGS for name in assigned if name.startswith("PENSTOCK_"))
        and all(made(word) for word in command if word.startswith("deployments/"))
        and (not command or command[0] in OTHERS or parsed(command))
    )


def made(word: str) -> bool:
    """Whether the repository has this file, or its reader makes it of an example."""
    return (CHECKOUT / word).exists() or (CHECKOUT / f"{word}.example").exists()


def parsed(words: list[str]) -> bool:
    """Whether these words are a command of ours with options that it has. Raises `click.UsageError` if not."""
    found, rest = command_of(words)
    found.make_context(words[0], rest)
    return words[0] == "penstock"


@pytest.mark.service
def test_the_commands_of_the_first_page_work_as_printed(penstock, clip, origin, tmp_path):
    shutil.copy(clip, tmp_path / "film.mov")
    shutil.copy(clip, Path(clip).with_name("film.mov"))
    photo_folder(tmp_path / "photos")
    (tmp_path / "photos" / "2024" / "damaged.jpg").unlink()
    wanted = [block for block in blocks("docs/index.md", "sh") if not block.startswith(NOT_RUN)]
    said = [run(penstock, block, tmp_path, origin) for block in wanted]

    assert [(done.returncode, done.stdout if done.returncode else "") for done in said] == [(0, "")] * 3
    assert {"film.mp4", "web/top.webp"} <= tree(tmp_path)
    assert '"processing"' in said[2].stdout
