"""New work is admitted only while the disk has room for what runs already."""

import shutil

import pytest

from penstock.domain import errors
from penstock.host.free_space import has_room, require_room


def test_room_is_told_by_the_disk_of_the_nearest_folder_that_exists(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    assert has_room(tmp_path / "not" / "yet", free // 2)
    assert not has_room(tmp_path, 2 * free)


def test_a_file_that_leaves_too_little_is_refused(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    require_room(tmp_path, free // 4, free // 4)
    with pytest.raises(errors.DiskFull, match="Try again later"):
        require_room(tmp_path, free // 4, free)
