"""What the folder store does beyond the contract."""

import os
import subprocess
import sys

import pytest

from penstock.domain import errors
from penstock.storage.object_store import ObjectStore

FILL = """
import resource, sys
from pathlib import Path
from penstock.domain import errors
from penstock.storage.object_store import ObjectStore
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    ObjectStore.at(sys.argv[1]).put(Path(sys.argv[2]), "a", "video/mp4")
except errors.DiskFull as fault:
    print(fault.code, fault.transient)
"""


def test_a_full_disk_is_reported_and_leaves_nothing(folder, file, tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", FILL, (tmp_path / "kept here").as_uri(), file],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout == "disk_full True\n"
    assert [path for path in (tmp_path / "kept here").rglob("*") if path.is_file()] == []


def test_a_fetched_file_is_a_hard_link(folder, file, tmp_path):
    folder.put(file, "a", "video/mp4")
    folder.get("a", tmp_path / "back")
    assert (tmp_path / "back").stat().st_ino == (tmp_path / "kept here" / "a").stat().st_ino


def test_a_stored_file_is_independent_of_the_one_that_was_put(folder, file):
    folder.put(file, "a", "video/mp4")
    file.write_bytes(b"changed later")
    assert folder.size("a") == 3 * 2**20 + 17


def test_remains_of_a_killed_put_are_removed_when_old(folder, file, tmp_path):
    folder.put(file, "a", "video/mp4")
    left = tmp_path / "kept here" / ".arriving" / "left"
    left.write_bytes(b"half")
    assert folder.remove_stale_uploads(3600) == 0
    os.utime(left, (0, 0))
    assert (folder.remove_stale_uploads(3600), left.exists()) == (1, False)


def test_a_folder_signs_no_links(folder, file):
    folder.put(file, "a", "video/mp4")
    assert folder.signed_link("a", 60, "video/mp4", "inline") is None


def test_a_folder_that_cannot_be_written_fails_its_ping(tmp_path):
    (tmp_path / "a file").touch()
    with pytest.raises(errors.StorageUnavailable):
        ObjectStore.at((tmp_path / "a file").as_uri()).ping()


def test_only_folders_and_s3_are_storages():
    with pytest.raises(ValueError, match="file:///"):
        ObjectStore.at("memory://anything")
