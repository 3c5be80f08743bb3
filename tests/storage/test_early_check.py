"""A large input is checked while it arrives; an error of the check ends the download."""

import pytest

from penstock.domain import errors
from penstock.storage.download import HEAD_BYTES, HEAD_BYTES_WITHOUT_RANGES, MIN_REMAINING_BYTES, download_input
from penstock.storage.partial_download import partial_file_of_download

from . import origin

MIB = 2**20


def test_a_large_input_is_checked_once(site, policy, tmp_path):
    seen = []
    download_input(
        f"{site}/long", tmp_path / "input", policy, lambda it: seen.append((it.path.stat().st_size, it.response))
    )
    ((size, answer),) = seen
    assert HEAD_BYTES_WITHOUT_RANGES <= size < HEAD_BYTES_WITHOUT_RANGES + 2**17
    assert answer.total == len(origin.LONG)


def test_an_origin_with_ranges_is_checked_earlier(site, policy, tmp_path):
    seen = []
    download_input(f"{site}/parts", tmp_path / "input", policy, lambda it: seen.append(it.path.stat().st_size))
    assert HEAD_BYTES <= seen[0] < HEAD_BYTES + 2**17


@pytest.mark.parametrize("place", ["small", "file"])
def test_a_small_input_is_not_checked(site, policy, tmp_path, place):
    assert len(origin.FILE) < MIN_REMAINING_BYTES
    download_input(f"{site}/{place}", tmp_path / "input", policy, lambda _: pytest.fail("it was looked at"))


def test_an_error_of_the_check_ends_the_download(site, policy, server, tmp_path):
    def refuse(_):
        raise errors.UpscaleNotAllowed("Too small.")

    with pytest.raises(errors.UpscaleNotAllowed):
        download_input(f"{site}/endless", tmp_path / "input", policy, refuse)
    assert server.left.wait(5)
    assert list(tmp_path.iterdir()) == []


def looking(act, most=2 * MIB):
    """A look that lets `act` have the parts."""

    def look(arriving):
        with partial_file_of_download(arriving, arriving.response.total, most, 5) as parts:
            act(parts)

    return look


def test_any_range_can_be_fetched_during_the_check(site, policy, server, tmp_path):
    def act(parts):
        parts.fetch(len(origin.LONG) - 100, 100)
        content = parts.path.read_bytes()
        assert content[:HEAD_BYTES] == origin.LONG[:HEAD_BYTES]
        assert content[-100:] == origin.LONG[-100:]
        assert len(content) == len(origin.LONG)

    download_input(f"{site}/parts", tmp_path / "input", policy, looking(act))
    assert [asked for _, asked in server.asked] == [None, f"bytes={len(origin.LONG) - 100}-{len(origin.LONG) - 1}"]
    assert (tmp_path / "input").read_bytes() == origin.LONG
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


@pytest.mark.parametrize("manner", ["changed", "redated", "whole"])
def test_a_range_of_another_version_is_rejected(site, policy, tmp_path, manner):
    def act(parts):
        with pytest.raises(errors.InputChanged):
            parts.fetch(5 * MIB, 100)

    download_input(f"{site}/parts/{manner}", tmp_path / "input", policy, looking(act))
    assert (tmp_path / "input").read_bytes() == origin.LONG


def test_an_origin_without_ranges_is_not_asked_for_one(site, policy, server, tmp_path):
    def act(parts):
        with pytest.raises(errors.InputChanged):
            parts.fetch(5 * MIB, 100)

    download_input(f"{site}/no-parts", tmp_path / "input", policy, looking(act))
    assert server.asked == [("/no-parts", None)]


def test_no_more_bytes_are_fetched_than_allowed(site, policy, tmp_path):
    def act(parts):
        with pytest.raises(errors.ProbeLimitExceeded):
            parts.fetch(5 * MIB, MIB)

    download_input(f"{site}/parts", tmp_path / "input", policy, looking(act, most=MIB))


def test_a_download_needs_no_check(site, policy, tmp_path):
    download_input(f"{site}/parts", tmp_path / "input", policy)
    assert (tmp_path / "input").read_bytes() == origin.LONG
