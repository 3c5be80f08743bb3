"""Makes the pictures of docs/page.md: a service of its own, and the page in Chromium as somebody uses it.

uv run python -m tests.page.screenshots docs/pictures"""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import installed
from tests.browser.screenshots import make_film, make_photo
from tests.page.conftest import KEEP_KEY
from tests.service import Penstock, penstock_up

WIDE, PHONE = {"width": 1100, "height": 880}, {"width": 360, "height": 740}
LOAD_MILLISECONDS, SETTLE_MILLISECONDS = 60_000, 800


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="penstock-page-") as made, sync_playwright() as driver:
        folder = Path(made)
        with penstock_up(folder / "home") as service:
            browser = driver.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
            film, photo = make_film(folder / "evening at the lake.mov"), make_photo(folder / "beach.jpg")
            with opened(browser, service, "light", WIDE) as page:
                plan_a_film(page, film)
                take(page, target / "page-plan.webp")
                compare_a_picture(page, photo)
                take(page, target / "page-result.webp")
            with opened(browser, service, "dark", PHONE) as page:
                page.locator(".rows").wait_for()
                take(page, target / "page-phone.webp")
            browser.close()


@contextmanager
def opened(browser: Browser, service: Penstock, scheme: str, viewport: dict[str, int]) -> Iterator[Page]:
    """The page, signed in."""
    context = browser.new_context(color_scheme=scheme, viewport=viewport, device_scale_factor=1.25)
    context.add_init_script(KEEP_KEY.format(key=service.key))
    page = context.new_page()
    page.set_default_timeout(LOAD_MILLISECONDS)
    page.goto(service.service.api_url)
    yield page
    context.close()


def plan_a_film(page: Page, film: Path) -> None:
    page.set_input_files("input[multiple]", film)
    page.get_by_label("WEBM").check(force=True)
    page.locator(".plan", has_text="WEBM").wait_for()


def compare_a_picture(page: Page, photo: Path) -> None:
    page.get_by_role("link", name="Convert", exact=True).click()
    page.set_input_files("input[multiple]", photo)
    page.locator(".plan .headline").wait_for()
    page.get_by_role("button", name="Convert", exact=True).click()
    page.locator(".slider").wait_for()


def take(page: Page, target: Path) -> None:
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.save(target, quality=60, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
