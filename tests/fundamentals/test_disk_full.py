"""On a full disk conversions fail with an error and leave nothing; with free space they work again."""

import subprocess
from contextlib import contextmanager

import pytest
from PIL import Image

from benchmarks.harness.json_client import Refused
from tests.media_server import made
from tests.service import wait_for

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def works(penstock, media_folder):
    """Requests whose inputs fit on a tiny disk and whose outputs do not, one for each kind of writer."""
    song = made(media_folder / "long.flac", "sine=frequency=440:duration=20")
    Image.effect_noise((1200, 1200), 80).save(media_folder / "noise.jpg", quality=30)
    sound, noise = (penstock.client.upload(path)["id"] for path in (song, media_folder / "noise.jpg"))
    return [
        {"file_id": sound, "kind": "audio", "format": "wav"},
        {"file_id": noise, "kind": "image", "format": "png"},
        {"file_id": noise, "kind": "image", "format": "jpeg", "quality": 1},
    ]


def test_an_upload_without_disk_space_is_refused(penstock, media_folder):
    (media_folder / "large.wav").write_bytes(bytes(2**20 + 2**10))
    with rooms_on_a_disk_of(penstock, "size=1m") as scratch, pytest.raises(Refused) as refused:
        penstock.client.upload(media_folder / "large.wav")

    assert (refused.value.code, list(scratch.iterdir())) == ("disk_full", [])


def test_outputs_without_disk_space_fail_their_tasks_until_there_is_space(penstock, works):
    with rooms_on_a_disk_of(penstock, "size=1m") as scratch:
        failed = [penstock.finished(task) for task in map(penstock.client.create, works)]
        wait_for(lambda: not list(scratch.iterdir()), 10)

    assert {told(task) for task in failed} == {("disk_full", True)}
    assert {penstock.converted(work)["attempt"] for work in works} == {2}


def test_a_disk_without_space_for_a_folder_is_reported_as_full(penstock, works, photo):
    with rooms_on_a_disk_of(penstock, "nr_inodes=1"):
        task = penstock.finished(penstock.client.create(works[0] | {"format": "mp3"}))
        with pytest.raises(Refused) as refused:
            penstock.client.upload(photo)

    assert told(task) == ("disk_full", True)
    assert refused.value.code == "disk_full"


def told(task):
    return task["error"] and (task["error"]["code"], task["error"]["retryable"])


@contextmanager
def rooms_on_a_disk_of(penstock, options):
    """The scratch folder, on a disk of its own until the block ends."""
    scratch = penstock.home.root / "scratch"
    scratch.mkdir(exist_ok=True)
    wait_for(lambda: not list(scratch.iterdir()), 10)
    asked = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", scratch], check=False, capture_output=True)
    if asked.returncode:
        pytest.skip("only root may mount the small disk that this needs; tests/storage fills one without")
    try:
        yield scratch
    finally:
        subprocess.run(["umount", "--lazy", scratch], check=True)
