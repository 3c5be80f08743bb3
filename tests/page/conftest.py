"""The page at `/` in a real browser, over the service that the tests share. Each test has a project of its own."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, expect, sync_playwright

from benchmarks.harness.json_client import JsonClient
from penstock.records import Records
from tests.browser.chromium import installed
from tests.service import Penstock

KEEP_KEY = "if (!sessionStorage.length) sessionStorage.setItem('penstock.key', '{key}')"
REPORT = "addEventListener('securitypolicyviolation', (event) => console.error('blocked: ' + event.violatedDirective))"
# The browser's own line about an answer that is a refusal.
ANSWERED = "Failed to load resource"
# Of each wait, also for a conversion on a busy machine. Playwright's own limit for an expectation is five seconds.
MILLISECONDS = 30_000


@dataclass
class Tab:
    """A tab of the browser on the page. `faults` are what a visitor must never meet: errors of scripts, what the
    Content-Security-Policy blocks, and requests to other hosts."""

    page: Page
    address: str
    key: str
    faults: list[str] = field(default_factory=list)

    def open(self, hash_: str = "#/") -> Page:
        self.page.goto(f"{self.address}/{hash_}")
        return self.page

    def drop(self, *paths: Path) -> Page:
        """Chooses files as their dialog does."""
        self.open()
        self.page.set_input_files("input[multiple]", list(paths))
        return self.page

    def note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and ANSWERED not in message.text:
            self.faults.append(message.text)

    def note_request(self, request: Request) -> None:
        if not request.url.startswith(self.address):
            self.faults.append(f"asked {urlsplit(request.url).netloc}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the page. It ends with them: its event loop would be in the way of other tests."""
    path = installed()
    if path is None:
        pytest.skip("Chromium is not on this machine: apt-get install chromium (as root) brings it")
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--mute-audio"])


@pytest.fixture(scope="package")
def records(penstock: Penstock) -> Iterator[Records]:
    opened = Records(penstock.service.database_url)
    yield opened
    opened.close()


@pytest.fixture
def key(records: Records) -> str:
    """A key of a new project."""
    return records.keys.create(records.keys.new_project(f"page {secrets.token_hex(6)}"))[1]


@pytest.fixture
def api(penstock: Penstock, key: str) -> Iterator[JsonClient]:
    """The API for the project that the page shows."""
    with JsonClient(penstock.service.api_url, key) as client:
        yield client


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


@pytest.fixture
def stranger(context: BrowserContext, penstock: Penstock, key: str) -> Iterator[Tab]:
    """A tab in which nobody is signed in. The test fails if the page did what it must not."""
    context.set_default_timeout(MILLISECONDS)
    context.add_init_script(REPORT)
    tab = Tab(context.new_page(), penstock.service.api_url, key)
    tab.page.on("console", tab.note)
    tab.page.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.page.on("request", tab.note_request)
    yield tab
    assert tab.faults == []


@pytest.fixture
def tab(stranger: Tab, context: BrowserContext) -> Tab:
    """A tab that is signed in."""
    context.add_init_script(KEEP_KEY.format(key=stranger.key))
    return stranger


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"this is no media")
    return path


def refuse(route: Route) -> None:
    """As if nothing listened there."""
    route.abort("connectionrefused")
