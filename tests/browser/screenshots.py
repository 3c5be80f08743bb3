"""Makes the pictures of docs/monitoring.md: a service of its own, a mixed load, and Prefect's UI in Chromium.

    uv run python -m tests.browser.screenshots docs/pictures

Uses the Chromium that is installed."""

import io
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from penstock.engines import bundled_ffmpeg
from tests.media_server import serving
from tests.service import Penstock, csrf, penstock_up, wait_for

VIEW = {"width": 1280, "height": 1200}
FIRST_MILLISECONDS, LOAD_MILLISECONDS, SETTLE_MILLISECONDS = 15_000, 60_000, 4_000
# The page beside its menu has come.
IS_LOADED = "document.body.innerText.length > 300"
FILM = ("-f", "lavfi", "-i", "mandelbrot=size=1280x720:rate=25", "-f", "lavfi", "-i", "sine=frequency=220", "-t", "24")
PHOTO = ("-f", "lavfi", "-i", "mandelbrot=size=1600x1200:start_scale=0.004", "-frames:v", "1", "-q:v", "2")
ENCODED = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p", "-c:a", "aac")
# No server listens there.
UNREACHABLE = {"url": "http://127.0.0.1:1025/talk.mp4", "kind": "audio", "format": "mp3"}
ENDED = {"completed", "failed", "cancelled"}


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="penstock-pictures-") as made:
        folder = Path(made)
        with penstock_up(folder / "home", PENSTOCK_FETCH_ALLOW="127.0.0.0/8") as service, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = signed_in(browser.new_page(viewport=VIEW), service)
            for name, path in finished_work(service, folder).items():
                take(page, service, path, target / f"{name}.webp")
            for name, path in work_in_progress(service, folder).items():
                take(page, service, path, target / f"{name}.webp")
            browser.close()


def finished_work(service: Penstock, folder: Path) -> dict[str, str]:
    """One run of each end, and a batch; the pages that show them."""
    film_id = upload(service, make_film(folder / "film.mov"), "clip.mov")
    photo_id = upload(service, make_photo(folder / "photo.jpg"), "holiday.jpg")
    done = service.finished(service.client.create(video(film_id, width=960)), 300)
    with serving(folder) as origin:
        wanted = {"url": f"{origin}/photo.jpg", "kind": "image", "format": "webp", "width": 5000}
        refused = service.finished(service.client.create(wanted))
    broken = service.finished(service.client.create(UNREACHABLE), 300)
    batch = finished_batch(service, [image(photo_id, width=width) for width in (320, 640, 960)])
    for task in (done, refused, broken):
        wait_for(partial(run_end, service, task), 60)
    deployment = service.prefect.get("/deployments/name/convert-request/convert-request").json()["id"]
    return {
        "receipt": artifact(service, f"receipt-{done['id']}"),
        "run": f"/runs/flow-run/{done['run']['id']}",
        "refused": f"/runs/flow-run/{refused['run']['id']}",
        "failed": f"/runs/flow-run/{broken['run']['id']}",
        "batch": artifact(service, f"batch-{batch}"),
        "form": f"/deployments/deployment/{deployment}/run",
    }


def run_end(service: Penstock, task: dict[str, Any]) -> str | None:
    end: str | None = service.flow_run(task)["end_time"]
    return end


def work_in_progress(service: Penstock, folder: Path) -> dict[str, str]:
    """Films that encode and wait, beside images; the pages that list them."""
    film_id = upload(service, folder / "film.mov", "lecture.mov")
    photo_id = upload(service, folder / "photo.jpg", "beach.jpg")
    for height in (360, 432, 480, 540, 600):
        service.client.create(video(film_id, height=height, format="webm"))
    for width in range(300, 360, 10):
        service.client.create(image(photo_id, width=width))
    wait_for(lambda: in_state(service, "AwaitingEncoderSlot"), 120)
    wait_for(lambda: any(task["progress"] > 0 for task in listed(service, "tasks", status="processing")), 120)
    working = next(task["id"] for task in listed(service, "tasks", status="processing") if task["progress"] > 0)
    return {
        "progress": artifact(service, f"progress-{working}"),
        "runs": "/runs",
        "dashboard": "/dashboard",
        "artifacts": "/artifacts",
        "workers": "/work-pools/work-pool/media?tab=Workers",
    }


def signed_in(page: Page, service: Penstock) -> Page:
    """As the form does it: with the password in the browser's storage."""
    password = b64encode((service.service.prefect_auth or "").encode()).decode()
    page.goto(service.service.prefect_ui_url)
    page.evaluate("password => localStorage.setItem('prefect-password', password)", password)
    page.goto(f"{service.service.prefect_ui_url}/dashboard")
    page.wait_for_timeout(FIRST_MILLISECONDS)
    return page


def take(page: Page, service: Penstock, path: str, target: Path) -> None:
    page.goto(service.service.prefect_ui_url + path)
    page.wait_for_function(IS_LOADED, timeout=LOAD_MILLISECONDS)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.save(target, quality=60, method=6)


def finished_batch(service: Penstock, items: list[dict[str, Any]]) -> str:
    """The id of a batch, once its run has ended."""
    batch_id: str = called(service, "POST", "/batches", json={"name": "holiday pictures", "items": items})["id"]
    wait_for(lambda: called(service, "GET", f"/batches/{batch_id}")["status"] in ENDED, 120)
    return batch_id


def artifact(service: Penstock, key: str) -> str:
    """The page of the latest artifact with this key, once there is one."""
    found = wait_for(partial(artifacts, service, key.replace("_", "-")), 60)
    return f"/artifacts/artifact/{found[0]['id']}"


def artifacts(service: Penstock, key: str) -> list[dict[str, Any]]:
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    answer = service.prefect.post("/artifacts/filter", json=wanted, headers=csrf(service))
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found


def in_state(service: Penstock, name: str) -> int:
    wanted = {"flow_runs": {"state": {"name": {"any_": [name]}}}}
    answer = service.prefect.post("/flow_runs/count", json=wanted, headers=csrf(service))
    return int(answer.raise_for_status().text)


def listed(service: Penstock, name: str, **wanted: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = called(service, "GET", f"/{name}", params=wanted)
    return found


def upload(service: Penstock, path: Path, name: str) -> str:
    file_id: str = called(service, "POST", "/files", params={"name": name}, content=path.read_bytes())["id"]
    return file_id


def called(service: Penstock, method: str, path: str, **options: Any) -> Any:
    """The data of the answer."""
    headers = {"Authorization": f"Bearer {service.key}"}
    answer = httpx.request(method, service.service.api_url + path, headers=headers, trust_env=False, **options)
    return answer.raise_for_status().json()["data"]


def make_film(path: Path) -> Path:
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *FILM, *ENCODED, str(path)], check=True)
    return path


def make_photo(path: Path) -> Path:
    subprocess.run([str(bundled_ffmpeg()), "-v", "error", *PHOTO, str(path)], check=True)
    return path


def video(file_id: str, **options: Any) -> dict[str, Any]:
    return {"file_id": file_id, "kind": "video", "format": "mp4"} | options


def image(file_id: str, **options: Any) -> dict[str, Any]:
    return {"file_id": file_id, "kind": "image", "format": "webp"} | options


if __name__ == "__main__":
    main(Path(sys.argv[1]))
