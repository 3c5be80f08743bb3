"""Bad input of any kind gets a clear error, and the service goes on."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from benchmarks.harness.json_client import Refused
from tests.broken_files import CODES, is_expected
from tests.media_server import serving
from tests.service import wait_for
from tests.storage import origin
from tests.storage.ports import free_port

pytestmark = pytest.mark.service

AT_ONCE = 4
SECONDS_EACH = 30
OUTPUTS = {"video": "mp4", "audio": "mp3", "image": "webp"}
# One of each trouble: a run in Prefect for all of them would take a minute.
BY_ADDRESS = (
    "zero-bytes.webm",
    "truncated.png",
    "bomb-65535x66601.gif",
    "postscript-named.jpg",
    "hls-playlist-named.avi",
    "drm-widevine.mp4",
    "segfault.wav",
    "fuzz-mov.mov",
)
# What a task ends with; whether another try may help; how often the origin is asked.
FAULTS = {
    "status/404": ("input_unreachable", False, 1),
    "status/500": ("input_unreachable", True, 4),
    "circle": ("input_unreachable", False, 2),
    "to/http://10.0.0.1/film.mp4": ("url_forbidden", False, 1),
    "html": ("input_unreadable", False, 1),
    "empty": ("input_unreadable", False, 1),
    "announces_more": ("input_truncated", False, 1),
    "nobody": ("input_unreachable", True, 0),
}


@pytest.mark.corpus
def test_every_broken_upload_is_refused_with_its_code_or_converted(penstock, corpus):
    files = sorted((corpus / "broken").iterdir())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        surprises = list(pool.map(lambda path: surprise(penstock, path), files))

    assert [one for one in surprises if one] == []
    wait_for(lambda: health(penstock) == "ok")  # on a busy machine Prefect may answer late once


@pytest.mark.corpus
def test_broken_files_by_url_are_refused_like_uploads(penstock, corpus):
    with serving(corpus / "broken") as site, ThreadPoolExecutor(AT_ONCE) as pool:
        reported = dict(pool.map(lambda name: (name, code_by_url(penstock, f"{site}/{name}")), BY_ADDRESS))

    assert reported == {name: CODES[name] for name in BY_ADDRESS}
    assert health(penstock) == "ok"


@pytest.fixture(scope="module")
def failed(penstock):
    """For each fault of an origin: the ended task, and how many requests the origin got."""
    with origin.running() as server:
        site = f"http://127.0.0.1:{server.server_port}"
        urls = {fault: f"{site}/{fault}" for fault in FAULTS} | {"nobody": f"http://127.0.0.1:{free_port()}/film.mp4"}
        tasks = {fault: penstock.client.create(video(url=url)) for fault, url in urls.items()}
        ended = {fault: penstock.finished(task) for fault, task in tasks.items()}
        asked = [path for path, _ in server.asked]
    return {fault: (task, sum(path.startswith(f"/{fault}") for path in asked)) for fault, task in ended.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_origin_that_fails_fails_the_task_with_its_error_code(failed, fault):
    task, asked = failed[fault]
    error = task["error"]
    assert (task["status"], error["step"]) == ("failed", "fetch")
    assert (error["code"], error["retryable"], asked) == FAULTS[fault]
    assert "0.0.1" not in error["message"]


def test_failed_downloads_leave_nothing_behind(penstock, failed):
    assert failed
    wait_for(lambda: not list((penstock.home.root / "scratch").iterdir()))
    assert list((penstock.home.root / "files").glob(".arriving/*")) == []


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/film.mp4", "http://169.254.169.254/latest", "http://[::1]/film.mp4", "http://0xa000001/"]
)
def test_a_private_address_is_forbidden_at_once(penstock, url):
    with pytest.raises(Refused) as refused:
        penstock.client.create(video(url=url))
    assert refused.value.code == "url_forbidden"


def surprise(penstock, path):
    """What is wrong with how this file was handled; None if nothing is."""
    began = time.monotonic()
    try:
        code = code_of(penstock, penstock.client.upload(path))
    except Refused as refusal:
        code = refusal.code
    seconds = time.monotonic() - began
    return None if seconds < SECONDS_EACH and is_expected(path.name, code) else f"{path.name}: {code}, {seconds:.0f} s"


def code_of(penstock, file):
    """The error code of the conversion of this upload; None if it has a correct output."""
    request = {"file_id": file["id"], "kind": file["kind"], "format": OUTPUTS[file["kind"]]}
    return outcome(penstock, penstock.client.create(request))


def code_by_url(penstock, url):
    return outcome(penstock, penstock.client.create({"url": url, "kind": "image", "format": "png"}))


def outcome(penstock, task):
    done = penstock.finished(task, SECONDS_EACH)
    if done["status"] == "failed":
        return done["error"]["code"]
    served = penstock.bytes_of(done["output"]["url"])
    return None if hashlib.sha256(served).hexdigest() == done["output"]["sha256"] else "another file"


def video(**source):
    return {**source, "kind": "video", "format": "mp4"}


def health(penstock):
    answer = httpx.get(f"{penstock.service.api_url}/health", trust_env=False)
    return answer.raise_for_status().json()["data"]["status"]
