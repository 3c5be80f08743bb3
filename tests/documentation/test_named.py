"""What the sentences of the documentation name exists: commands, options, settings, recipes, modules and files."""

import json
import re
from importlib.util import find_spec

import click
import pytest
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names

from penstock.settings import reading
from tests.documentation.pages import CHECKOUT, PAGES, SETTINGS, blocks, command_of

SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# The last one is of the Compose file.
OTHER_VARIABLES = reading.OTHER_VARIABLES | {"PREFECT_PASSWORD"}
FOLDERS = ("penstock/", "flows/", "tasks/", "deployments/", "benchmarks/", "tests/", "docs/", "sample/")


def text_of(page: str) -> str:
    return (CHECKOUT / page).read_text()


def spans(page: str, start: str) -> list[list[str]]:
    """The words of the pieces of code within sentences that begin like this."""
    return [span.split() for span in SPAN.findall(text_of(page)) if span.startswith(start)]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_and_has_its_options(page: str):
    assert [words for words in spans(page, "penstock ") if not is_known(words)] == []


def is_known(words: list[str]) -> bool:
    command, rest = command_of(words)
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        return False
    options = {word.strip("[]") for word in rest if word.strip("[]").startswith("--")}
    return options <= {"--help", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_is_a_setting(page: str):
    named = set(re.findall(r"\b(?:PENSTOCK|PREFECT)_[A-Z0-9_]*[A-Z0-9]\b", text_of(page)))
    assert named - SETTINGS - OTHER_VARIABLES - _get_valid_setting_names(PrefectSettings) == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_module_and_recipe_is_one(page: str):
    modules = {module for module in re.findall(r"python -m ([\w.]+)", text_of(page)) if find_spec(module) is None}
    recipes = {words[1] for words in spans(page, "just ")}

    assert modules == set()
    assert recipes <= set(re.findall(r"^([\w-]+):", text_of("justfile"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_file_is_there(page: str):
    named = {words[0] for start in FOLDERS for words in spans(page, start)}
    assert {name for name in named if "*" not in name and not (CHECKOUT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_is_json(page: str):
    for block in blocks(page, "json"):
        json.loads(block)
