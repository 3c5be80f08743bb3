"""Versions of an input are compared by ETag, date, or their bytes."""

import hashlib

import pytest

from penstock.storage.download import download_input, is_unchanged
from tests.storage.scripted_origin import policy_for, scripted_origin

OLD, NEW = b"the old film", b"the new film"


def answer(body: bytes, *headers: bytes) -> bytes:
    told = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + told + b"\r\n" + body


ETAG, OTHER_ETAG = b'ETag: "v1"', b'ETag: "v2"'
DATED, REDATED = b"Last-Modified: Sat, 31 Jan 2026 15:00:00 GMT", b"Last-Modified: Sun, 01 Feb 2026 15:00:00 GMT"
LENGTH, LONGER = b"Content-Length: 12", b"Content-Length: 13"
CASES = {
    "the same name of the version": (answer(OLD, ETAG), answer(OLD, ETAG), True),
    "the same name, at another date": (answer(OLD, ETAG, DATED), answer(OLD, ETAG, REDATED), True),
    "another name": (answer(OLD, ETAG), answer(OLD, OTHER_ETAG), False),
    "a name at last": (answer(OLD, DATED), answer(OLD, DATED, ETAG), False),
    "the same date": (answer(OLD, DATED), answer(NEW, DATED), True),
    "another date": (answer(OLD, DATED), answer(OLD, REDATED), False),
    "the same date, another length": (answer(OLD, DATED, LENGTH), answer(OLD + b"!", DATED, LONGER), False),
    "the same bytes": (answer(OLD), answer(OLD), True),
    "other bytes": (answer(OLD), answer(NEW), False),
    "more bytes": (answer(OLD), answer(OLD + b"!"), False),
    "fewer bytes": (answer(OLD), answer(OLD[:-1]), False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_version_is_compared_by(case: str, tmp_path):
    then, now, same = CASES[case]
    with scripted_origin(then, now) as (place, _):
        url = f"http://{place}/film.mp4"
        known = download_input(url, tmp_path / "input", policy_for(place))
        assert is_unchanged(url, known, policy_for(place)) == same


def test_the_sha256_is_stored_with_and_without_etag_and_date(tmp_path):
    with scripted_origin(answer(OLD), answer(OLD, DATED)) as (place, _):
        silent, told = (download_input(f"http://{place}/", tmp_path / name, policy_for(place)) for name in ("a", "b"))
    assert (silent.length, silent.sha256) == (12, hashlib.sha256(OLD).hexdigest())
    assert (told.modified is not None, told.sha256) == (True, silent.sha256)
