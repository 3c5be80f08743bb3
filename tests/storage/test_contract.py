"""What both stores do: the same tests run on a folder and on a real S3 server."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.domain import errors


def test_what_was_put_comes_back_byte_for_byte(objects, file, tmp_path):
    objects.put(file, "prj/a", "video/mp4")
    objects.get("prj/a", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


def test_the_size_of_a_stored_file_is_known(objects, file):
    objects.put(file, "prj/a", "video/mp4")
    assert objects.size("prj/a") == file.stat().st_size


def test_an_empty_file_can_be_stored(objects, tmp_path):
    (tmp_path / "empty").touch()
    objects.put(tmp_path / "empty", "prj/empty", "image/png")
    assert (objects.size("prj/empty"), list(objects.read("prj/empty", 0, 0))) == (0, [])


def test_any_range_of_a_file_can_be_read(objects, file):
    objects.put(file, "a", "video/mp4")
    assert b"".join(objects.read("a", 1000, 2_500_000)) == file.read_bytes()[1000:2_501_000]


def test_a_file_is_read_in_blocks_of_at_most_one_mebibyte(objects, tmp_path):
    (tmp_path / "big").write_bytes(bytes(9 * 2**20 + 1))
    objects.put(tmp_path / "big", "big", "video/mp4")
    blocks = [len(block) for block in objects.read("big", 0, 9 * 2**20 + 1)]
    assert (max(blocks), sum(blocks)) == (2**20, 9 * 2**20 + 1)


def test_reading_beyond_the_end_is_never_silently_short(objects, file):
    objects.put(file, "a", "video/mp4")
    with pytest.raises(errors.StorageUnavailable):
        list(objects.read("a", 0, file.stat().st_size + 1))


def test_a_second_put_replaces_the_first(objects, file, tmp_path):
    objects.put(file, "a", "video/mp4")
    (tmp_path / "other").write_bytes(b"other")
    objects.put(tmp_path / "other", "a", "video/mp4")
    assert b"".join(objects.read("a", 0, 5)) == b"other"


def test_a_fetched_file_replaces_what_was_there_at_once(objects, file, tmp_path):
    objects.put(file, "a", "video/mp4")
    (tmp_path / "back").write_bytes(b"old")
    objects.get("a", tmp_path / "back")
    objects.get("a", tmp_path / "back")
    assert (tmp_path / "back").stat().st_size == file.stat().st_size
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


def test_a_deleted_file_is_gone_and_may_be_deleted_again(objects, file):
    objects.put(file, "prj/a", "video/mp4")
    objects.delete("prj/a")
    objects.delete("prj/a")
    assert not objects.exists("prj/a")


def test_a_fetched_file_outlives_its_deletion(objects, file, tmp_path):
    objects.put(file, "a", "video/mp4")
    objects.get("a", tmp_path / "back")
    objects.delete("a")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("ask", ["get", "read", "size"])
def test_a_missing_file_is_not_a_broken_storage(objects, tmp_path, ask):
    asked = {
        "get": lambda: objects.get("none", tmp_path / "back"),
        "read": lambda: list(objects.read("none", 0, 1)),
        "size": lambda: objects.size("none"),
    }
    with pytest.raises(errors.FileNotFound):
        asked[ask]()
    assert not list(tmp_path.glob("*back*"))


def test_a_prefix_is_not_a_file(objects, file):
    objects.put(file, "prj/a", "video/mp4")
    assert not objects.exists("prj")


@pytest.mark.parametrize("key", ["../a", "/etc/passwd", "a/../../b", "", "a//b", "./a"])
def test_a_key_cannot_leave_the_storage(objects, file, key):
    with pytest.raises(ValueError, match="plain relative path"):
        objects.put(file, key, "video/mp4")


def test_many_threads_may_store_and_read_at_once(objects, file, tmp_path):
    def round_trip(number):
        objects.put(file, f"prj/{number}", "video/mp4")
        objects.get(f"prj/{number}", tmp_path / f"back-{number}")
        return (tmp_path / f"back-{number}").read_bytes() == file.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trip, range(16)))


def test_a_reader_sees_the_old_file_or_the_new_one_never_a_mixture(objects, tmp_path):
    versions = [bytes([number]) * 2**20 for number in range(6)]
    for number, version in enumerate(versions):
        (tmp_path / str(number)).write_bytes(version)
    objects.put(tmp_path / "0", "a", "video/mp4")
    done = threading.Event()

    def watch():
        seen = set()
        while not done.is_set():
            seen.add(b"".join(objects.read("a", 0, 2**20)))
        return seen

    with ThreadPoolExecutor(1) as threads:
        seen = threads.submit(watch)
        for number in range(1, 6):
            objects.put(tmp_path / str(number), "a", "video/mp4")
        done.set()
    assert seen.result() <= set(versions)


def test_a_working_store_answers_a_ping(objects):
    objects.ping()


def test_a_sweep_leaves_stored_files_alone(objects, file):
    objects.put(file, "a", "video/mp4")
    assert objects.remove_stale_uploads(0) == 0
    assert objects.exists("a")


def test_a_cancelled_put_leaves_nothing(objects, file):
    with pytest.raises(errors.Cancelled):
        objects.put(file, "a", "video/mp4", lambda: True)
    assert not objects.exists("a")
