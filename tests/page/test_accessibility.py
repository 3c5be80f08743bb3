"""What axe finds on the views of the page, in both color schemes and on a phone."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from benchmarks.harness.json_client import JsonClient
from penstock.domain.ids import new_task_id
from tests.page.conftest import KEEP_KEY, MILLISECONDS
from tests.service import Penstock

pytestmark = pytest.mark.service


@pytest.fixture
def views(api: JsonClient, photo, broken) -> dict[str, str]:
    """A text of each view by its address."""
    file_id = api.upload(photo)["id"]
    task = api.create({"file_id": file_id, "kind": "image", "format": "webp"})
    api.task(task["id"], wait_seconds=30)
    return {
        "#/": "Latest tasks",
        f"#/files/{file_id}": "800 B from 1.1 kB",
        f"#/tasks/{task['id']}": "Begun",
        f"#/tasks/{new_task_id()}": "There is no such task",
        "#/tasks": "photo.png → WEBP",
        "#/batches": "No batches yet",
    }


@pytest.fixture(params=[("light", 1280), ("dark", 360)], ids=lambda screen: screen[0])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page whose policy lets axe in, which is a script of the tests."""
    scheme, width = request.param
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 800})
    context.set_default_timeout(MILLISECONDS)
    yield context.new_page()
    context.close()


def test_axe_finds_no_fault(page: Page, penstock: Penstock, key: str, views: dict[str, str]):
    page.goto(penstock.service.api_url)
    expect(page.get_by_label("API key")).to_be_visible()
    assert faults(page) == []
    page.context.add_init_script(KEEP_KEY.format(key=key))
    page.reload()
    for address, text in views.items():
        page.goto(f"{penstock.service.api_url}/{address}")
        expect(page.get_by_text(text).first).to_be_visible()
        assert (address, faults(page)) == (address, [])
        assert (address, page.evaluate("document.documentElement.scrollWidth - innerWidth")) == (address, 0)


def faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
