"""The site is built strictly. `penstock docs` serves it, and it asks no other host for anything."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from penstock.cli.main import COMMANDS
from tests.browser.chromium import installed
from tests.documentation.pages import CHECKOUT
from tests.service import plain_environment, wait_for

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src"}


@contextmanager
def served(log) -> Iterator[httpx.Client]:
    """The site, as the command serves it until Ctrl-C."""
    command = [sys.executable, "-m", "penstock", "docs", "--no-open"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=plain_environment(), cwd=log.parent)
    try:
        address = wait_for(lambda: re.search(r"http://\S+", log.read_text()), 120)[0]  # it builds the site first
        with httpx.Client(base_url=address, trust_env=False, timeout=10) as http:
            wait_for(lambda: process.poll() is not None or answers(http), 60)
            assert process.poll() is None, log.read_text()
            yield http
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/").is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[httpx.Client]:
    with served(tmp_path_factory.mktemp("docs") / "log") as http:
        yield http


def pages(entry) -> list[str]:
    """The pages of a part of the navigation."""
    if isinstance(entry, str):
        return [entry.replace("README", "index").replace(".md", ".html")]
    return [page for part in (entry if isinstance(entry, list) else entry.values()) for page in pages(part)]


class Loaded(HTMLParser):
    """Collects what a page loads by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in LOADED and given.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(given.get(LOADED[tag]) or "")


def test_no_link_leads_nowhere(tmp_path):
    """Not with `--quiet`, as `penstock docs` builds: then MkDocs counts no warnings, and nothing is strict."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    built = subprocess.run(command, cwd=CHECKOUT, env=plain_environment(), capture_output=True, text=True, check=False)

    assert built.returncode == 0, built.stderr


def test_every_page_of_the_navigation_is_there_and_asks_no_other_host(site):
    named = pages(yaml.load((CHECKOUT / "mkdocs.yml").read_text(), yaml.BaseLoader)["nav"])
    texts = {name: site.get(f"/{name}").raise_for_status().text for name in named}

    assert [each for text in texts.values() for each in Loaded(text).found if re.match(r"(https?:)?//", each)] == []
    assert "POST /tasks" in texts["openapi.html"]
    assert [name for name in COMMANDS if f"penstock {name}" not in texts["cli.html"]] == []


def test_the_commands_with_subcommands_have_their_own_options(site):
    text = site.get("/cli.html").text

    assert "penstock batch [OPTIONS] SOURCE DEST" in text
    assert "--max-hours" in text
    assert 'id="penstock-worker-drain"' in text


def test_the_search_finds_a_setting_and_asks_no_other_host(site):
    with sync_playwright() as driver:
        page = chromium(driver).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(str(site.base_url))
        search = page.get_by_role("textbox", name="Search")
        search.press_sequentially("PENSTOCK_LINGER_SECONDS")  # the search listens to keys: `fill` presses none
        found = page.locator("a.md-search-result__link", has_text="Settings").first
        expect(found).to_have_attribute("href", re.compile("settings.html"), timeout=20_000)

    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {site.base_url.netloc.decode()}


def chromium(driver: Playwright) -> Browser:
    if (path := installed()) is None:
        pytest.skip("Chromium is not on this machine: apt-get install chromium (as root) brings it")
    return driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
