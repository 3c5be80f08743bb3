"""What people without a terminal do on the page at `/`."""

import os
import re
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Download, Locator, Page, Route, expect

from benchmarks.harness.json_client import JsonClient
from tests.page.conftest import Tab, refuse
from tests.service import wait_for

pytestmark = pytest.mark.service


def test_the_key_opens_the_page_and_is_nowhere_but_in_the_tab(stranger: Tab, context: BrowserContext):
    page = stranger.open()
    page.get_by_label("API key").fill(stranger.key)
    page.keyboard.press("Enter")

    expect(page.get_by_text("What you convert appears here.")).to_be_visible()
    assert stranger.key not in page.url
    assert stranger.key not in page.evaluate("JSON.stringify(localStorage)")
    assert context.cookies() == []


@pytest.mark.parametrize("wrong", ["of-somebody-else", "two words", "Schlüssel"])
def test_a_wrong_key_is_refused_in_words(stranger: Tab, wrong: str):
    page = stranger.open()
    page.get_by_label("API key").fill(wrong)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text(re.compile("unknown, expired or revoked|copied the key alone"))
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_that_is_revoked_meanwhile_is_asked_for_again(tab: Tab):
    page = tab.open("#/batches")
    expect(page.get_by_text("No batches yet.")).to_be_visible()
    page.evaluate("sessionStorage.setItem('penstock.key', 'one-that-was-revoked')")
    page.get_by_role("link", name="Tasks").click()

    expect(page.get_by_role("alert")).to_contain_text("unknown, expired or revoked")
    expect(page.get_by_label("API key")).to_be_focused()


def test_a_picture_is_converted_and_compared(tab: Tab, photo):
    tab.page.clock.install()
    page = tab.drop(photo)
    expect(page.get_by_role("heading", name="photo.png")).to_be_visible()
    page.get_by_label("JPEG").check(force=True)
    expect(page.get_by_label("Plan")).to_contain_text("JPEG · 400 × 300")
    page.get_by_role("button", name="Convert", exact=True).click()

    expect(page.locator("#main .pill")).to_have_text("Done")
    expect(page.get_by_role("link", name="Open in Prefect")).to_have_attribute("href", re.compile("/runs/flow-run/"))
    slider = page.get_by_label("Boundary between before and after")
    slider.press("Home")
    assert page.locator(".slider").evaluate("(stage) => stage.style.getPropertyValue('--at')") == "0%"
    page.clock.fast_forward(3_600_000)  # the link that is shown has expired
    with page.expect_request("**/files/file_*"), page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "photo.jpeg"


def test_a_film_plays_before_and_after(tab: Tab, clip):
    page = tab.drop(clip)
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Width").fill("1.5")
    page.get_by_label("MP3").check(force=True)
    assert page.locator("form").evaluate("(form) => form.checkValidity()")  # a hidden width must not stop it
    page.get_by_role("radio", name="MP4").check(force=True)
    page.get_by_label("Width").fill("320")
    expect(page.get_by_label("Plan")).to_contain_text("320 × 180")
    page.get_by_role("button", name="Convert", exact=True).click()

    expect(page.locator("video")).to_have_count(2)
    page.get_by_role("button", name="Play both").click()
    wait_for(lambda: page.evaluate("[...document.querySelectorAll('video')].every((player) => player.currentTime > 0)"))


def test_a_picture_is_pasted(tab: Tab):
    page = tab.open()
    expect(page.get_by_text("What you convert appears here.")).to_be_visible()
    page.evaluate(PASTE)

    expect(page.get_by_role("heading", name="pasted.png")).to_be_visible()


PASTE = """() => new Promise((done) => document.createElement("canvas").toBlob((blob) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([blob], "pasted.png", { type: "image/png" }));
    done(window.dispatchEvent(new ClipboardEvent("paste", { clipboardData })));
}))"""


def test_what_is_no_media_is_refused_by_its_name(tab: Tab, broken):
    page = tab.drop(broken)

    expect(page.get_by_role("alert")).to_contain_text("No video, sound or picture that can be read")
    expect(page.get_by_text("broken.mp4")).to_be_visible()
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()


def test_a_larger_size_is_refused_before_anything_is_converted(tab: Tab, photo):
    page = tab.drop(photo)
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Width").fill("5000")

    expect(page.get_by_role("alert")).to_contain_text("That is larger than the input")
    expect(page.get_by_role("button", name="Convert", exact=True)).to_be_disabled()
    page.get_by_label("use the input’s size").check()
    expect(page.get_by_role("button", name="Convert", exact=True)).to_be_enabled()


def test_a_task_is_cancelled_and_tried_again_after_a_reload(tab: Tab, long_video):
    page = tab.drop(long_video)
    page.get_by_label("WEBM").check(force=True)
    page.get_by_role("button", name="Convert", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="film.mp4 → WEBM")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_text("Nothing of it was kept")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("link", name="Tasks").click()
    link = page.get_by_role("link", name="film.mp4 → WEBM")
    assert_focus_stays(link, page.locator(".rows li"))
    link.click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Nothing of it was kept")).to_be_visible()


def assert_focus_stays(link: Locator, row: Locator):
    """While the row is drawn anew with the progress of its task."""
    link.focus()
    drawn = row.inner_text()
    wait_for(lambda: row.inner_text() != drawn)
    expect(link).to_be_focused()


def test_an_address_is_fetched_and_one_that_leads_nowhere_says_so(tab: Tab, tone, origin):
    page = tab.open()
    page.get_by_label("Or the address").fill(f"{origin}/nothing.mp4")
    page.get_by_role("button", name="Fetch").click()
    expect(page.get_by_role("alert")).to_contain_text("The address cannot be reached")

    page.get_by_label("Or the address").fill(f"{origin}/{tone.name}")
    page.get_by_role("button", name="Fetch").click()
    expect(page.get_by_role("heading", name="tune.flac")).to_be_visible()
    expect(page.get_by_label("MP4")).to_have_count(0)


def test_the_page_waits_for_a_service_that_is_away(tab: Tab, photo):
    page = tab.drop(photo)
    expect(page.get_by_label("Plan")).to_contain_text("WEBP")
    page.route("**/tasks*", refuse)
    page.get_by_role("button", name="Convert", exact=True).click()
    expect(page.get_by_text("The service cannot be reached.")).to_be_visible()

    page.unroute("**/tasks*")
    page.route("**/tasks", busy, times=1)
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_text("Too many requests; try again in 1 s.")).to_be_visible()
    expect(page.locator("#main .pill")).to_have_text("Done")
    expect(page.get_by_text("The service cannot be reached.")).to_be_hidden()


def busy(route: Route):
    error = {"code": "rate_limited", "message": "Too many requests; try again in 1 s."}
    route.fulfill(status=429, headers={"Retry-After": "1"}, json={"data": None, "error": error})


def test_tasks_are_listed_and_filtered(tab: Tab, api: JsonClient, photo):
    file_id = api.upload(photo)["id"]
    api.create({"file_id": file_id, "kind": "image", "format": "png", "width": 100})
    page = tab.open("#/tasks")

    expect(page.get_by_role("link", name="photo.png → PNG")).to_be_visible()
    page.get_by_label("Status").focus()
    page.get_by_label("Status").select_option("failed")
    expect(page.get_by_text("Nothing matches these filters.")).to_be_visible()
    expect(page.get_by_label("Status")).to_be_focused()
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_role("link", name="photo.png → PNG")).to_be_visible()


def test_a_dropped_folder_becomes_a_batch(tab: Tab, photo, tmp_path):
    folder = tmp_path / "holiday"
    (folder / "beach").mkdir(parents=True)
    for name, color in {"one.png": "navy", "beach/one.png": "blue"}.items():  # frames and takes are as alike
        Image.new("RGB", (90, 60), color).save(folder / name)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    assert (folder / "one.png").stat().st_size == (folder / "beach/one.png").stat().st_size
    (folder / "notes.txt").write_text("no media")
    (folder / ".hidden.png").write_bytes(photo.read_bytes())
    page = tab.open("#/tasks")
    expect(page.get_by_text("No tasks yet.")).to_be_visible()
    drag(page, folder)

    expect(page.locator(".source")).to_contain_text("2 files")
    page.reload()
    page.get_by_text("One file was not taken").click()
    expect(page.get_by_text("holiday/notes.txt")).to_be_visible()
    page.get_by_label("WEBP").check(force=True)
    page.get_by_role("button", name="Start the batch").click()
    expect(page.locator("#main .card .pill")).to_have_text("Done")
    saved: list[Download] = []
    page.on("download", lambda download: saved.append(download))  # noqa: PLW0108 - Playwright marks the function
    page.get_by_role("button", name="Download all").click()
    expect(page.get_by_role("button", name="Download all")).to_be_enabled()
    assert [download.suggested_filename for download in saved] == ["one.webp", "one.webp"]
    assert len({download.path().read_bytes() for download in saved}) == 2


def drag(page: Page, path: Path):
    """Drops it as a file manager does: the page is given a folder, not its files."""
    session = page.context.new_cdp_session(page)
    dragged = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 400, "data": dragged})


def test_the_keyboard_alone_converts(tab: Tab, photo):
    page = tab.drop(photo)
    expect(page.get_by_label("Plan")).to_contain_text("WEBP")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    press_until(page, "Tab", "document.activeElement.name === 'format'")
    press_until(page, "ArrowRight", "document.activeElement.value === 'gif'")
    expect(page.get_by_label("Plan")).to_contain_text("GIF")
    press_until(page, "Tab", "document.activeElement.textContent === 'Convert'")
    page.keyboard.press("Enter")
    expect(page.locator("#main .pill")).to_have_text("Done")


def press_until(page: Page, key: str, condition: str):
    """Presses a key, at most as often as the page has places to go."""
    for _ in range(20):
        if page.evaluate(condition):
            return
        page.keyboard.press(key)
    raise AssertionError(condition)


def test_the_page_speaks_german(tab: Tab, photo, context: BrowserContext):
    page = tab.drop(photo)
    page.get_by_label("Language").select_option("Deutsch")
    page.get_by_text("Optionen", exact=True).click()
    page.get_by_label("Breite").fill("5000")

    expect(page.get_by_role("alert")).to_contain_text("Das ist größer als das Original")
    assert page.locator("html").get_attribute("lang") == "de"
    page.reload()
    expect(page.get_by_role("button", name="Umwandeln", exact=True)).to_be_visible()


def test_a_file_that_changes_during_its_upload_is_refused(tab: Tab, broken):
    page = tab.open()

    def change(route: Route):
        if route.request.method == "PATCH":
            broken.write_bytes(b"more than before")
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/*", change)
    page.set_input_files("input[multiple]", broken)

    expect(page.get_by_role("alert")).to_contain_text("The file changed while it was read")


def test_half_an_upload_goes_on_after_a_new_key_and_a_reload(tab: Tab, clip, photo):
    page, offsets = tab.open(), []
    half = HalfUpload(clip)
    page.route("**/uploads/*", half)
    page.set_input_files("input[multiple]", clip)
    expect(page.get_by_text("The service cannot be reached.")).to_be_visible()
    drag(page, photo)
    expect(page.locator("#main").get_by_text("An upload is still running.")).to_be_visible()
    half.is_broken = False
    page.evaluate("sessionStorage.setItem('penstock.key', 'one-that-was-revoked')")
    page.get_by_role("button", name="Try now").click()
    page.get_by_label("API key").fill(tab.key)
    page.keyboard.press("Enter")

    expect(page.get_by_text("The upload of clip.mp4 stopped at 1 kB of")).to_be_visible()
    page.reload()
    expect(page.get_by_text("The upload of clip.mp4 stopped at 1 kB of")).to_be_visible()
    page.on("request", lambda asked: offsets.append(asked.headers.get("upload-offset")))
    page.set_input_files("input[multiple]", clip)
    expect(page.get_by_role("heading", name="clip.mp4", level=1)).to_be_visible()
    assert [offset for offset in offsets if offset] == ["1000"]


class HalfUpload:
    """The connection breaks when the service has a thousand bytes, and none is made after that."""

    def __init__(self, path: Path):
        self.content, self.is_broken, self.has_half = path.read_bytes()[:1000], True, False

    def __call__(self, route: Route):
        asked = route.request
        if self.is_broken and asked.method == "PATCH" and not self.has_half:
            self.has_half = True
            httpx.patch(asked.url, headers=asked.headers, content=self.content, trust_env=False).raise_for_status()
        if self.is_broken and self.has_half:
            route.abort("connectionreset")
        else:
            route.continue_()
