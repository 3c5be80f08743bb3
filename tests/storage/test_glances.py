"""A refusal ends a download before all of it has arrived."""

import time
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.storage.inputs import download

from . import origin

MIB = 2**20


def test_the_beginning_is_shown_once_with_the_announced_size(site, policy, tmp_path):
    seen = []
    download(f"{site}/file", tmp_path / "input", policy, lambda path, total: seen.append((path.stat().st_size, total)))
    ((size, total),) = seen
    assert MIB <= size < MIB + 2**17
    assert total == len(origin.FILE)


def test_a_small_file_is_not_shown(site, policy, tmp_path):
    seen = []
    download(f"{site}/small", tmp_path / "input", policy, lambda *shown: seen.append(shown))
    assert seen == []


def test_a_refusal_ends_an_endless_download(site, policy, server, tmp_path):
    def refuse(path, total):
        raise errors.UpscaleNotAllowed("Too small.")

    with pytest.raises(errors.UpscaleNotAllowed):
        download(f"{site}/endless", tmp_path / "input", policy, refuse)
    assert server.left.wait(5)
    assert list(tmp_path.iterdir()) == []


class SeesTheEnd:
    """Cannot read a beginning alone, like a probe of a file whose index stands at its end."""

    def __init__(self, verdict=None):
        self.verdict, self.sizes = verdict, []

    def __call__(self, path, total):
        data = path.read_bytes()
        self.sizes.append(len(data))
        if not data.endswith(origin.FILE[-MIB:]):
            raise errors.InputUnreadable("No index.")
        assert (len(data), data[:MIB]) == (total, origin.FILE[:MIB])
        if self.verdict:
            raise self.verdict


def test_where_the_beginning_says_too_little_the_end_is_fetched(site, policy, server, tmp_path):
    glance = SeesTheEnd()
    download(f"{site}/parts", tmp_path / "input", policy, glance)
    assert glance.sizes[1:] == [len(origin.FILE)]
    assert server.asked[1] == ("/parts", f"bytes={len(origin.FILE) - MIB}-{len(origin.FILE) - 1}")
    assert (tmp_path / "input").read_bytes() == origin.FILE
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


def test_a_refusal_by_the_end_stops_the_rest(site, policy, server, tmp_path):
    started = time.monotonic()
    with pytest.raises(errors.InputLimitsExceeded):
        download(f"{site}/parts", tmp_path / "input", policy, SeesTheEnd(errors.InputLimitsExceeded("Too long.")))
    assert (time.monotonic() - started < 4, list(tmp_path.iterdir())) == (True, [])


def test_an_end_of_another_version_is_not_looked_at(site, policy, tmp_path):
    glance, patient = SeesTheEnd(), replace(policy, read_seconds=20, total_seconds=60)
    download(f"{site}/parts/changed", tmp_path / "input", patient, glance)
    assert len(glance.sizes) == 1


def test_an_origin_that_sends_no_parts_is_not_asked_for_one(site, policy, server, tmp_path):
    download(f"{site}/file", tmp_path / "input", policy, SeesTheEnd())
    assert server.asked == [("/file", None)]
