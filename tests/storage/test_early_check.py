"""A large input is looked at while it arrives; a refusal ends its download before all of it has come."""

import pytest

from penstock.domain import errors
from penstock.storage.download import HEAD_BYTES, HEAD_BYTES_WITHOUT_RANGES, MIN_REMAINING_BYTES, download_input
from penstock.storage.partial_download import partial_file_of_download

from . import origin

MIB = 2**20


def test_a_large_input_is_looked_at_once_with_its_announced_size(site, policy, tmp_path):
    seen = []
    download_input(
        f"{site}/long", tmp_path / "input", policy, lambda it: seen.append((it.path.stat().st_size, it.response))
    )
    ((size, answer),) = seen
    assert HEAD_BYTES_WITHOUT_RANGES <= size < HEAD_BYTES_WITHOUT_RANGES + 2**17
    assert answer.total == len(origin.LONG)


def test_where_the_origin_sends_parts_less_has_to_arrive(site, policy, tmp_path):
    seen = []
    download_input(f"{site}/parts", tmp_path / "input", policy, lambda it: seen.append(it.path.stat().st_size))
    assert HEAD_BYTES <= seen[0] < HEAD_BYTES + 2**17


@pytest.mark.parametrize("place", ["small", "file"])
def test_what_will_soon_be_here_is_not_looked_at(site, policy, tmp_path, place):
    assert len(origin.FILE) < MIN_REMAINING_BYTES
    download_input(f"{site}/{place}", tmp_path / "input", policy, lambda _: pytest.fail("it was looked at"))


def test_a_refusal_ends_an_endless_download(site, policy, server, tmp_path):
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


def test_any_part_can_be_asked_for_while_the_rest_waits(site, policy, server, tmp_path):
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
def test_a_part_of_anything_else_is_none(site, policy, tmp_path, manner):
    def act(parts):
        with pytest.raises(errors.InputChanged):
            parts.fetch(5 * MIB, 100)

    download_input(f"{site}/parts/{manner}", tmp_path / "input", policy, looking(act))
    assert (tmp_path / "input").read_bytes() == origin.LONG


def test_an_origin_that_says_it_sends_no_parts_is_not_asked_for_one(site, policy, server, tmp_path):
    def act(parts):
        with pytest.raises(errors.InputChanged):
            parts.fetch(5 * MIB, 100)

    download_input(f"{site}/no-parts", tmp_path / "input", policy, looking(act))
    assert server.asked == [("/no-parts", None)]


def test_no_more_is_asked_for_than_is_allowed(site, policy, tmp_path):
    def act(parts):
        with pytest.raises(errors.ProbeLimitExceeded):
            parts.fetch(5 * MIB, MIB)

    download_input(f"{site}/parts", tmp_path / "input", policy, looking(act, most=MIB))


def test_a_download_without_a_look_is_the_same(site, policy, tmp_path):
    download_input(f"{site}/parts", tmp_path / "input", policy)
    assert (tmp_path / "input").read_bytes() == origin.LONG
