"""The files of the page: every sentence in every language, small modules, and no text of others as markup."""

import re
from importlib.resources import files

import pytest

from penstock.api.error_table import PROBLEMS

FOLDER = files("penstock.api") / "page"
LANGUAGES = ("en", "de")
MODULES = {each.name: each.read_text() for each in FOLDER.iterdir() if each.name.endswith(".js")}
CODE = {name: text for name, text in MODULES.items() if name.removesuffix(".js") not in LANGUAGES}
INDEX = (FOLDER / "index.html").read_text()
MAX_LINES, MAX_FUNCTION_LINES = 300, 40


def keys(language: str) -> list[str]:
    return re.findall(r'^  "([a-z_.]+)": ', MODULES[f"{language}.js"], re.MULTILINE)


def test_every_language_has_every_sentence():
    assert [keys(language) for language in LANGUAGES] == [keys("en")] * len(LANGUAGES)
    assert len(set(keys("en"))) == len(keys("en"))


def test_every_sentence_is_used():
    built = {text for source in CODE.values() for text in re.findall(r"`([a-z]+\.)\$\{", source)}
    named = {text for source in (*CODE.values(), INDEX) for text in re.findall(r'"([a-z_.]+)"', source)}

    assert [key for key in keys("en") if key not in named and not key.startswith(tuple(built))] == []


def test_every_sentence_has_the_same_places_for_values():
    tables = [
        dict(re.findall(r'^  "([a-z_.]+)": (.*),$', MODULES[f"{language}.js"], re.MULTILINE)) for language in LANGUAGES
    ]

    assert [{key: places(text) for key, text in table.items()} for table in tables[1:]] == [
        {key: places(text) for key, text in tables[0].items()}
    ] * (len(LANGUAGES) - 1)


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_error_has_a_heading():
    assert {f"code.{kind.code}" for kind in PROBLEMS} == {key for key in keys("en") if key.startswith("code.")}


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_small_and_say_what_they_are_for(name: str):
    assert MODULES[name].startswith("/** ")
    assert len(MODULES[name].splitlines()) <= MAX_LINES


@pytest.mark.parametrize("name", CODE)
def test_functions_are_short(name: str):
    functions = re.findall(r"^(?:export )?(?:async )?function .*?^}", CODE[name], re.MULTILINE | re.DOTALL)

    assert max((len(function.splitlines()) for function in functions), default=0) <= MAX_FUNCTION_LINES


@pytest.mark.parametrize(
    "markup", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://"]
)
def test_text_never_becomes_markup(markup: str):
    plain = {name: text.replace("http://www.w3.org/2000/svg", "") for name, text in CODE.items()}

    assert [name for name, text in plain.items() if markup in text] == []


def test_the_page_has_no_inline_scripts_or_styles():
    assert re.findall(r"<script(?! type=\"module\" src=)|<style|\sstyle=|\son[a-z]+=", INDEX) == []
