"""On a full disk conversions fail with an error and leave nothing; with free space they work again."""

from contextlib import closing, contextmanager

import pytest
from click.testing import CliRunner
from PIL import Image

from benchmarks.harness.json_client import Refused
from benchmarks.harness.small_disk import fill_below_database, make_room, mounted
from penstock.cli.main import cli
from penstock.domain import errors
from penstock.host.postgres import postgres_server, restart_if_dead, server_process
from penstock.records import Records
from penstock.supervisor.running import DatabaseWatch
from tests.media_server import made
from tests.records.rows import video_request
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
        wait_for(lambda: not list(scratch.iterdir()))

    assert {told(task) for task in failed} == {("disk_full", True)}
    assert {penstock.converted(work)["attempt"] for work in works} == {2}


def test_a_disk_without_space_for_a_folder_is_reported_as_full(penstock, works, photo):
    with rooms_on_a_disk_of(penstock, "nr_inodes=1"):
        task = penstock.finished(penstock.client.create(works[0] | {"format": "mp3"}))
        with pytest.raises(Refused) as refused:
            penstock.client.upload(photo)

    assert told(task) == ("disk_full", True)
    assert refused.value.code == "disk_full"


def test_outputs_that_do_not_fit_into_the_storage_wait_there_until_there_is_space(penstock, origin, media_folder):
    Image.effect_noise((1300, 1300), 80).save(media_folder / "noise.bmp")
    with disk_of(penstock.home.root / "files", "size=1m") as files:
        request = {"url": f"{origin}/noise.bmp", "kind": "image", "format": "png"}
        task = penstock.client.create(request)
        wait_for(lambda: penstock.client.task(task["id"])["state"] == "retrying", 60)
        with pytest.raises(Refused) as refused:
            penstock.client.upload(media_folder / "noise.bmp")
        left = [path for path in files.rglob("*") if path.is_file()]

    assert (refused.value.code, left) == ("disk_full", [])
    assert penstock.converted(request)["attempt"] == 1


def test_a_database_on_a_full_disk_starts_again_when_there_is_space(tmp_path):
    with disk_of(tmp_path, "size=150m"), postgres_server(tmp_path) as server, closing(Records(server.url())) as records:
        records.migrate()
        project = records.keys.new_project("one")
        task = records.tasks.submit(project, video_request())
        fill_below_database(tmp_path, server.url())
        wait_for(lambda: server_process(tmp_path) is None)
        with pytest.raises(errors.DatabaseUnavailable):
            records.tasks.submit(project, video_request())

        watch = DatabaseWatch(tmp_path)
        watch.restart_if_dead()
        make_room(tmp_path)
        restart_if_dead(tmp_path)
        assert "its disk is full" in watch.told
        assert records.tasks.submit(project, video_request()).id == task.id


def test_a_database_whose_own_files_cannot_be_written_does_not_end_the_rest_of_the_service(tmp_path):
    (tmp_path / "postgres.lock").mkdir()
    watch = DatabaseWatch(tmp_path)
    watch.restart_if_dead()

    assert watch.told == "PostgreSQL could not be started in the home: Is a directory."


def test_doctor_names_the_disk_that_is_full(tmp_path):
    (tmp_path / "postgres").mkdir()
    with disk_of(tmp_path / "postgres", "size=1m"):
        told = CliRunner().invoke(cli, ["doctor"], env={"PENSTOCK_HOME": str(tmp_path)})

    assert f"✗ disk: 0.0 GiB free at {tmp_path / 'postgres'}" in told.output


def told(task):
    return task["error"] and (task["error"]["code"], task["error"]["retryable"])


@contextmanager
def rooms_on_a_disk_of(penstock, options):
    """The scratch folder, on a disk of its own until the block ends."""
    scratch = penstock.home.root / "scratch"
    scratch.mkdir(exist_ok=True)
    wait_for(lambda: not list(scratch.iterdir()))
    with disk_of(scratch, options):
        yield scratch


@contextmanager
def disk_of(folder, options):
    """An empty disk in place of the folder, until the block ends."""
    try:
        with mounted(folder, options):
            yield folder
    except PermissionError:
        pytest.skip("only root may mount the small disk that this needs; tests/storage fills one without")
