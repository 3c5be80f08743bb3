"""The pictures of docs/monitoring.md: a service of its own, a mixed load, and Prefect's UI in a headless Chromium.

    uv run --with playwright python -m benchmarks.screenshots docs/pictures

Uses the Chromium that is installed. Playwright is no dependency of the project: nothing else needs it."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, sync_playwright  # type: ignore[import-not-found] # see above

from penstock.engines import bundled_ffmpeg
from tests.pictures import picture
from tests.service import Penstock, csrf, penstock_up, wait_for

VIEW = {"width": 1280, "height": 1100}
SETTLE_MILLISECONDS = 7000
QUALITY = 50
FILM = ("-f", "lavfi", "-i", "mandelbrot=size=1280x720:rate=25", "-f", "lavfi", "-i", "sine=frequency=220", "-t", "24")
ENCODED = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p", "-c:a", "aac")


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="penstock-pictures-") as name:
        folder = Path(name)
        with penstock_up(folder / "home", PENSTOCK_BATCH_ROOTS=str(folder)) as service, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport=VIEW)
            sign_in(page, service)
            take_all(page, service, folder, target)
            browser.close()


def take_all(page: Page, service: Penstock, folder: Path, target: Path) -> None:
    film, photo = make_film(folder / "film.mov"), picture(folder / "photo.jpg", (1600, 1200), 20)
    film_id, photo_id = upload(service, film, "clip.mov"), upload(service, photo, "holiday.jpg")
    done = service.finished(service.client.create(video(film_id, width=960)), 300)
    deployment = service.prefect.get("/deployments/name/convert-request/convert-request").json()["id"]
    refused = started(service, deployment, image(photo_id, width=5000))
    wait_for(lambda: service.flow_run(done)["end_time"], 60)
    receipt = service.prefect.get(f"/artifacts/receipt-{done['id'].replace('_', '-')}/latest").json()["id"]
    take(page, service, f"/artifacts/artifact/{receipt}", target / "receipt.jpg")
    take(page, service, f"/runs/flow-run/{done['run']['id']}", target / "run.jpg")
    take(page, service, f"/runs/flow-run/{refused}", target / "refused.jpg")
    take(page, service, f"/deployments/deployment/{deployment}/run", target / "form.jpg")
    for width in range(300, 420, 10):
        service.client.create(image(photo_id, width=width))
    for height in (360, 480, 540, 600):
        service.client.create(video(film_id, height=height, format="webm"))
    wait_for(lambda: any(task["progress"] > 0 for task in unfinished(service)), 120)
    take(page, service, "/runs", target / "runs.jpg")
    take(page, service, "/dashboard", target / "dashboard.jpg")
    take(page, service, "/artifacts", target / "artifacts.jpg")


def sign_in(page: Page, service: Penstock) -> None:
    """With the part of the secret that is the form's password."""
    page.goto(f"{service.service.prefect_ui_url}/dashboard")
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    if (field := page.locator("input[type=password]")).count():
        field.first.fill(service.service.prefect_auth or "")
        page.keyboard.press("Enter")
        page.wait_for_timeout(SETTLE_MILLISECONDS)


def take(page: Page, service: Penstock, path: str, target: Path) -> None:
    page.goto(service.service.prefect_ui_url + path)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=target, type="jpeg", quality=QUALITY)


def started(service: Penstock, deployment: str, wanted: dict[str, Any]) -> str:
    """The id of a run of `convert-request`, as the form makes it, once it has ended."""
    body = {"parameters": {"request": wanted}, "state": {"type": "SCHEDULED"}}
    path = f"/deployments/{deployment}/create_flow_run"
    created = service.prefect.post(path, json=body, headers=csrf(service)).raise_for_status()
    run_id: str = created.json()["id"]
    wait_for(lambda: service.prefect.get(f"/flow_runs/{run_id}").json()["end_time"], 60)
    return run_id


def unfinished(service: Penstock) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{service.service.api_url}/tasks",
        params={"status": "processing"},
        headers={"Authorization": f"Bearer {service.key}"},
        trust_env=False,
    )
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
    return found


def upload(service: Penstock, path: Path, name: str) -> str:
    answer = httpx.post(
        f"{service.service.api_url}/files",
        params={"name": name},
        content=path.read_bytes(),
        headers={"Authorization": f"Bearer {service.key}"},
        trust_env=False,
    )
    file_id: str = answer.raise_for_status().json()["data"]["id"]
    return file_id


def make_film(path: Path) -> Path:
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *FILM, *ENCODED, str(path)], check=True)
    return path


def video(file_id: str, **options: Any) -> dict[str, Any]:
    return {"file_id": file_id, "kind": "video", "format": "mp4"} | options


def image(file_id: str, **options: Any) -> dict[str, Any]:
    return {"file_id": file_id, "kind": "image", "format": "webp"} | options


if __name__ == "__main__":
    main(Path(sys.argv[1]))
