"""Of a partial file only the needed ranges are fetched, with the checks of a download."""

from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.storage.http_source import FetchPolicy
from penstock.storage.locations import Publication, open_location
from penstock.storage.partial_download import (
    HEAD_BYTES,
    partial_file_of_location,
    partial_file_of_object,
    partial_file_of_url,
)
from tests.range_origin import running_range_origin

from . import origin

MIB = 2**20
FILE = origin.FILE  # 2.5 MiB
LONG = bytes(16 * MIB)


@pytest.fixture
def host():
    with running_range_origin() as running:
        running.files = {"file": FILE, "long": LONG, "small": origin.SMALL, "empty": b""}
        yield running


@pytest.fixture
def look(host, tmp_path):
    """Parts of what is served in this manner."""
    policy = FetchPolicy(
        max_bytes=20 * MIB, read_seconds=2, total_seconds=5, allow=host.address.removeprefix("http://")
    )
    return lambda path, most=4 * MIB, **more: partial_file_of_url(
        f"{host.address}/{path}", tmp_path / "input", replace(policy, **more), most
    )


def test_only_the_first_bytes_are_fetched(look, host):
    with look("parts/file") as parts:
        assert (parts.total, parts.fetched, parts.path.stat().st_size) == (len(FILE), [(0, HEAD_BYTES)], len(FILE))
    assert (host.asked, host.sent) == (["bytes=0-262143"], HEAD_BYTES)


def test_a_fetched_range_is_written_at_its_offset(look, host):
    with look("parts/file") as parts:
        parts.fetch(MIB, 1000)
        content = parts.path.read_bytes()
    assert content[:HEAD_BYTES] == FILE[:HEAD_BYTES]
    assert content[MIB : MIB + 1000] == FILE[MIB : MIB + 1000]
    assert parts.fetched == [(0, HEAD_BYTES), (MIB, MIB + 1000)]
    assert host.sent == HEAD_BYTES + 1000


def test_a_range_ends_with_the_file(look):
    with look("parts/file") as parts:
        parts.fetch(len(FILE) - 10, MIB)
    assert parts.fetched[-1] == (len(FILE) - 10, len(FILE))


def test_touching_ranges_are_merged(look):
    with look("parts/file") as parts:
        parts.fetch(HEAD_BYTES, len(FILE))
    assert (parts.fetched, parts.is_complete) == ([(0, len(FILE))], True)
    assert parts.path.read_bytes() == FILE


@pytest.mark.parametrize("manner", ["parts", "whole", "unmeasured"])
def test_a_small_file_is_whole_at_once(look, manner):
    with look(f"{manner}/small") as parts:
        assert (parts.is_complete, parts.path.read_bytes()) == (True, origin.SMALL)


def test_an_origin_without_ranges_is_read_as_far_as_needed(look, host):
    with look("whole/long") as parts:
        parts.fetch(MIB, 1000)
        assert MIB + 1000 <= parts.received < 2 * MIB
        assert len(parts.fetched) == 1
    assert host.asked == ["bytes=0-262143"]


def test_a_file_of_unknown_size_is_read_to_its_end(look):
    with look("unmeasured/file") as parts:
        assert (parts.total, parts.is_complete, parts.path.read_bytes()) == (len(FILE), True, FILE)


@pytest.mark.parametrize("path", ["parts/long", "whole/long"])
def test_no_more_is_read_than_allowed(look, host, path):
    with look(path, MIB) as parts, pytest.raises(errors.InputLimitsExceeded, match="1,048,576 bytes"):
        parts.fetch(0, 2 * MIB)
    assert parts.received <= MIB


def test_an_endless_file_is_rejected(look):
    with pytest.raises(errors.InputLimitsExceeded), look("unmeasured/long", MIB):
        pass


def test_a_file_larger_than_an_input_may_be_is_rejected(look):
    with pytest.raises(errors.InputTooLarge), look("parts/file", max_bytes=MIB):
        pass


def test_another_version_is_noticed(look):
    with look("changing/file") as parts, pytest.raises(errors.InputChanged):
        parts.fetch(MIB, 1000)


def test_another_range_than_requested_is_rejected(look):
    with pytest.raises(errors.InputUnreachable), look("elsewhere/file"):
        pass


@pytest.mark.parametrize("target", ["http://10.0.0.1/file", "http://169.254.169.254/", "file:///etc/passwd"])
def test_a_redirect_to_a_private_address_is_rejected(look, target):
    with pytest.raises(errors.UrlForbidden), look(f"to/{target}"):
        pass


def test_a_redirect_to_a_file_is_followed(look, host):
    with look(f"to/{host.address}/parts/file") as parts:
        parts.fetch(MIB, 1000)
    assert host.asked[-1] == "bytes=1048576-1049575"


def test_a_stored_file_is_fetched_in_ranges(folder, file, tmp_path):
    folder.put(file, "kept", "video/mp4")
    with partial_file_of_object(folder, "kept", tmp_path / "input", 4 * MIB) as parts:
        parts.fetch(MIB, 1000)
        assert parts.path.read_bytes()[MIB : MIB + 1000] == file.read_bytes()[MIB : MIB + 1000]
    assert (parts.total, parts.received) == (file.stat().st_size, HEAD_BYTES + 1000)


def test_of_a_file_in_a_folder_or_prefix_only_the_wanted_ranges_are_read(tmp_path, memory_location):
    with partial_file_of_location(memory_location, "file", tmp_path / "input", 4 * MIB) as parts:
        parts.fetch(MIB, 1000)
        content = parts.path.read_bytes()
    assert (parts.total, parts.fetched) == (len(FILE), [(0, HEAD_BYTES), (MIB, MIB + 1000)])
    assert content[MIB : MIB + 1000] == FILE[MIB : MIB + 1000]


def test_an_empty_file_in_a_prefix_is_complete(tmp_path, memory_location):
    with partial_file_of_location(memory_location, "empty", tmp_path / "input", MIB) as parts:
        assert parts.is_complete


@pytest.fixture
def memory_location(tmp_path):
    location = open_location(f"memory://{tmp_path.name}/parts", None)
    for name, content in (("file", FILE), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        location.publish(tmp_path / name, Publication(name, "bat_1"))
    return location
