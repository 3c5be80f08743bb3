"""Equal bytes with the same settings are converted once, and the bytes stay until no file has them any more."""

import shutil

import pytest

from tests.service import processes_with, wait_for

pytestmark = pytest.mark.service

WANTED = {"kind": "video", "format": "webm", "width": 318}


@pytest.fixture
def addresses(origin, clip, media_folder):
    """The same bytes under two names."""
    shutil.copy(clip, media_folder / "copy-of-clip.mp4")
    return f"{origin}/{clip.name}", f"{origin}/copy-of-clip.mp4"


def is_reuse(penstock, task):
    return penstock.client.receipt(task["id"])["work"]["argv"] == []


def stored(penstock):
    return {path.name for path in (penstock.home.root / "files").rglob("file_*")}


def test_the_same_bytes_from_another_address_are_converted_once(penstock, addresses):
    first, second = (penstock.converted({"url": url, **WANTED}) for url in addresses)
    reuse = f"reuse {first['output']['id']}, because the same bytes were converted with the same settings"

    assert second["plan"] == {"format": "webm", "video": reuse, "audio": reuse}
    assert [is_reuse(penstock, task) for task in (first, second)] == [False, True]
    assert first["output"]["id"] != second["output"]["id"]
    assert first["output"]["sha256"] == second["output"]["sha256"]
    content = penstock.bytes_of(first["output"]["url"])
    penstock.client.delete(first["output"]["id"])
    assert penstock.bytes_of(second["output"]["url"]) == content
    penstock.client.delete(second["output"]["id"])
    assert first["output"]["id"] not in stored(penstock)


def test_another_quality_is_converted(penstock, addresses):
    tasks = [penstock.converted({"url": addresses[0], **WANTED, "quality": quality}) for quality in (0.3, 0.4)]

    assert [is_reuse(penstock, task) for task in tasks] == [False, False]


def test_equal_conversions_at_once_run_one_encoder(penstock, origin, long_video, media_folder):
    shutil.copy(long_video, media_folder / "copy-of-film.mp4")
    names = (long_video.name, "copy-of-film.mp4")
    wanted = {"kind": "video", "format": "avi", "height": 352}
    tasks = [penstock.client.create({"url": f"{origin}/{name}", **wanted}) for name in names]
    encoding = wait_for(lambda: [task for task in tasks if processes_with("ffmpeg", task["id"], "output.avi")], 60)
    wait_for(lambda: {penstock.client.task(task["id"])["state"] for task in tasks} == {"transcoding"}, 60)
    assert len(encoding) == 1
    assert sum(bool(processes_with("ffmpeg", task["id"], "output.avi")) for task in tasks) == 1
    done = [penstock.finished(task, 150) for task in tasks]

    assert [task["status"] for task in done] == ["completed", "completed"]
    assert sorted(is_reuse(penstock, task) for task in done) == [False, True]


def test_a_run_that_waits_for_an_equal_one_can_be_cancelled_and_the_other_goes_on(penstock, origin, long_video):
    """The same bytes by upload and by address."""
    upload = penstock.client.upload(long_video)
    wanted = {"kind": "video", "format": "avi", "height": 354}
    first = penstock.client.create({"url": f"{origin}/{long_video.name}", **wanted})
    wait_for(lambda: processes_with("ffmpeg", first["id"], "output.avi"), 60)
    second = penstock.client.create({"file_id": upload["id"], **wanted})
    wait_for(lambda: penstock.client.task(second["id"])["plan"], 60)
    penstock.client.cancel(second["id"])

    assert penstock.finished(second)["status"] == "cancelled"
    assert penstock.finished(first, 150)["status"] == "completed"
