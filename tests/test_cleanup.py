"""A sweep removes what is not used any more and nothing else; one failure does not stop it."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock import cleanup
from penstock.cleanup import (
    DAY_SECONDS,
    ORPHAN_SECONDS,
    RESULT_SECONDS,
    purge_deleted,
    remove_expired_results,
    remove_failed_results,
    remove_orphans,
)
from penstock.domain import errors
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.task import File, FileFacts
from penstock.records import Records
from penstock.storage.object_store import FolderStore, ObjectStore
from penstock.storage.s3_upload import abort_stale_uploads
from tests.storage.conftest import aws, bucket, s3_endpoint  # noqa: F401 - fixtures

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
FACTS = FileFacts("video", "mp4", "video/mp4", filesize=9, sha256="ab")


@pytest.fixture(scope="module")
def records(new_database: Callable[[], str]) -> Iterator[Records]:
    opened = Records(new_database(), lease_seconds=60)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def project(records: Records) -> ProjectId:
    return records.keys.new_project(f"project {secrets.token_hex(8)}")


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "files")


@pytest.fixture
def store(records: Records, project: ProjectId, tmp_path: Path) -> Callable[..., File]:
    """Stores some bytes; `recorded` says whether a row names them."""

    def stored(objects: ObjectStore, recorded: bool = True, key: str = "") -> File:
        name = new_file_id()
        file = File(name, project, "source", FACTS, key or f"{project}/{name}", None, NEVER, NEVER)
        (tmp_path / "bytes").write_bytes(b"some bytes")
        objects.put(tmp_path / "bytes", file.key, "video/mp4")
        return records.files.add(file) if recorded else file

    return stored


def aged(folder: FolderStore, file: File, seconds: float = ORPHAN_SECONDS + 60) -> None:
    then = time.time() - seconds
    os.utime(folder._address(file.key), (then, then))


def test_a_file_that_cannot_be_removed_does_not_stop_the_others(records, project, folder, store):
    stuck, *others = sorted((store(folder) for _ in range(5)), key=lambda file: file.id)
    for file in (stuck, *others):
        records.files.delete(project, file.id)
    replaced_by_a_folder(folder, stuck)

    purged = purge_deleted(records, folder)
    assert (purged.removed, purged.failed) == (4, 1)
    assert not any(folder.exists(file.key) for file in others)
    (Path(folder._address(stuck.key)) / "inside").unlink()
    Path(folder._address(stuck.key)).rmdir()
    assert (purge_deleted(records, folder).removed, purge_deleted(records, folder).removed) == (1, 0)


def replaced_by_a_folder(folder: FolderStore, file: File) -> None:
    path = Path(folder._address(file.key))
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"")


def test_a_storage_that_removes_nothing_is_not_tried_for_each_file(records, project, folder, store, monkeypatch):
    files = [store(folder) for _ in range(30)]
    for file in files:
        records.files.delete(project, file.id)
    asked = []

    def refuse(self, key):
        asked.append(key)
        raise errors.StorageUnavailable("Away.")

    monkeypatch.setattr(FolderStore, "delete", refuse)
    with pytest.raises(errors.StorageUnavailable):
        purge_deleted(records, folder)
    assert len(asked) == cleanup.MAX_FAILED_IN_A_ROW
    monkeypatch.undo()
    assert purge_deleted(records, folder).removed == 30


def test_an_object_without_a_file_is_removed_once_no_run_can_record_it(records, folder, store):
    orphan, young, named = store(folder, recorded=False), store(folder, recorded=False), store(folder)
    aged(folder, orphan)
    aged(folder, young, DAY_SECONDS)
    aged(folder, named)

    assert remove_orphans(records, folder) == 1
    assert [folder.exists(file.key) for file in (orphan, young, named)] == [False, True, True]
    assert remove_orphans(records, folder) == 0


def test_a_deleted_file_is_no_orphan_before_its_purge(records, project, folder, store):
    deleted = store(folder)
    records.files.delete(project, deleted.id)
    aged(folder, deleted)
    assert remove_orphans(records, folder) == 0
    assert purge_deleted(records, folder).removed == 1


def test_bytes_of_several_files_stay_until_the_last_is_deleted(records, project, folder, store):
    first = store(folder)
    second = records.files.add(replace(first, id=new_file_id()))
    aged(folder, first)
    for deleted, stays in ((first, True), (second, False)):
        records.files.delete(project, deleted.id)
        assert purge_deleted(records, folder).removed == 1
        assert folder.exists(first.key) == stays
        assert remove_orphans(records, folder) == 0


@pytest.mark.parametrize(
    "key", ["prj_somebodyelses1234/file_{id}", "{project}/notes.txt", "file_{id}", "{project}/x/file_{id}"]
)
def test_foreign_files_are_kept(records, project, folder, store, key):
    file = store(folder, recorded=False, key=key.format(project=project, id=secrets.token_hex(12)))
    aged(folder, file)
    assert remove_orphans(records, folder) == 0
    assert folder.exists(file.key)


def test_a_sweep_checks_a_part_and_the_next_sweeps_the_rest(records, folder, store, monkeypatch):
    monkeypatch.setattr(cleanup, "MAX_LISTED", 3)
    orphans = [store(folder, recorded=False) for _ in range(8)]
    for orphan in orphans:
        aged(folder, orphan)
    counts = [remove_orphans(records, folder) for _ in range(4)]
    assert max(counts) == 3
    assert sum(counts) == 8


def test_an_orphan_in_a_bucket_is_removed_too(records, bucket, store):  # noqa: F811
    orphan, named = store(bucket, recorded=False), store(bucket)
    assert remove_orphans(records, bucket) == 0
    assert remove_orphans(records, bucket, older_than_seconds=-60) == 1
    assert [bucket.exists(file.key) for file in (orphan, named)] == [False, True]


def test_a_bucket_lists_all_its_keys(bucket, project, store):  # noqa: F811
    keys = sorted(store(bucket, recorded=False).key for _ in range(5))
    assert [kept.key for kept in bucket.list_files(project)] == keys
    assert [kept.key for kept in bucket.list_files(project, keys[2])] == keys[3:]


class Server:
    """A client with 2,500 unfinished uploads that lists 1,000 at once."""

    def __init__(self, keys: list[str], broken: str = ""):
        self.left, self.broken = sorted(keys), broken

    def call_s3(self, method: str, **asked: str) -> dict[str, object]:
        assert asked.pop("Bucket") == "bucket"
        return getattr(self, method)(**asked)

    def list_multipart_uploads(self, **asked: str) -> dict[str, object]:
        marker = asked.get("KeyMarker", "")
        found = [key for key in self.left if key.startswith(asked["Prefix"]) and key > marker]
        assert asked.get("UploadIdMarker", "") == (f"of {marker}" if marker else "")
        old = datetime(2020, 1, 1, tzinfo=UTC)
        page = {"Uploads": [{"Key": key, "UploadId": f"of {key}", "Initiated": old} for key in found[:1000]]}
        if len(found) <= 1000:
            return page | {"IsTruncated": False}
        return page | {"IsTruncated": True, "NextKeyMarker": found[999], "NextUploadIdMarker": f"of {found[999]}"}

    def abort_multipart_upload(self, Key: str, UploadId: str) -> None:  # noqa: N803 - S3's words
        assert UploadId == f"of {Key}"
        if self.broken == Key:
            raise OSError("no")
        self.left.remove(Key)


def keys_of(prefix: str, count: int) -> list[str]:
    return [f"{prefix}prj_{secrets.token_hex(12)}/{new_file_id()}" for _ in range(count)]


def test_all_our_unfinished_uploads_are_aborted_and_no_others():
    others = [*keys_of("media-2/", 2), "media/notes", "media/prj_x/raw.mov", "elsewhere"]
    server = Server([*keys_of("media/", 2500), *others])
    assert abort_stale_uploads(server, "bucket", "media/", 3600) == 2500
    assert server.left == sorted(others)


def test_in_a_bucket_without_a_prefix_only_what_has_a_key_like_ours_is_aborted():
    server = Server([*keys_of("", 3), "somebody's/upload"])
    assert abort_stale_uploads(server, "bucket", "", 3600) == 3
    assert server.left == ["somebody's/upload"]


def test_an_upload_that_cannot_be_aborted_does_not_stop_the_others():
    keys = sorted(keys_of("media/", 5))
    server = Server(keys, broken=keys[1])
    assert abort_stale_uploads(server, "bucket", "media/", 3600) == 4
    assert server.left == [keys[1]]


RESULTS = {
    "failed-old": (b'{"__exc_type__": "penstock.domain.errors.Cancelled", "message": "x"}', DAY_SECONDS + 60),
    "failed-young": (b'{"__exc_type__": "penstock.domain.errors.Cancelled", "message": "x"}', 60),
    "foreign-old": (b'{"__exc_type__": "builtins.ValueError", "message": "x"}', DAY_SECONDS + 60),
    "foreign-forgotten": (b"42", RESULT_SECONDS + 60),
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with Prefect's results of several ages."""
    for name, (content, age) in RESULTS.items():
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    return tmp_path


def test_results_of_our_failed_stages_are_removed_after_a_day(results):
    assert remove_failed_results(results, time.time()) == 1
    assert {path.name for path in results.iterdir()} == RESULTS.keys() - {"failed-old"}


def test_a_result_in_our_home_is_removed_with_its_run(results):
    assert remove_expired_results(results, time.time()) == 1
    assert {path.name for path in results.iterdir()} == RESULTS.keys() - {"foreign-forgotten"}
    assert remove_expired_results(results / "nowhere", time.time()) == 0
