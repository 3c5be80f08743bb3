"""Whatever an origin sends, a download raises one of our errors, and soon."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from penstock.domain import errors
from penstock.storage import guarded_connections
from penstock.storage.download import download_input
from penstock.storage.partial_download import HEAD_BYTES, partial_file_of_url
from penstock.storage.response_headers import redirect_target, retry_after
from tests.storage.scripted_origin import policy_for, scripted_origin

OK, PART = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 206 Partial Content\r\n"
FILE = bytes(range(256)) * 4096  # 1 MiB

UNREACHABLE, AWAY = errors.InputUnreachable, errors.OriginUnavailable
LARGE, FORBIDDEN, CUT = errors.InputTooLarge, errors.UrlForbidden, errors.InputTruncated

# What an origin answers to the first request, and what comes of it.
ANSWERS = {
    "a length of twenty digits": (OK + b"Content-Length: 99999999999999999999\r\n\r\n", UNREACHABLE),
    "a length of nineteen digits": (OK + b"Content-Length: 9999999999999999999\r\n\r\n", UNREACHABLE),
    "a length of eighteen digits": (OK + b"Content-Length: 999999999999999999\r\n\r\n", LARGE),
    "a length of 5,000 digits": (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", AWAY),
    "a length below nothing": (OK + b"Content-Length: -5\r\n\r\n", AWAY),
    "a length that is no number": (OK + b"Content-Length: many\r\n\r\n", AWAY),
    "an empty length": (OK + b"Content-Length:\r\n\r\n", AWAY),
    "two lengths": (OK + b"Content-Length: 4\r\nContent-Length: 9\r\n\r\nfour", AWAY),
    "two lengths in one": (OK + b"Content-Length: 4, 9\r\n\r\nfour", AWAY),
    "a redirect to half an address": (b"HTTP/1.1 302 F\r\nLocation: http://[x\r\n\r\n", UNREACHABLE),
    "a redirect to a port of 5,000 digits": (
        b"HTTP/1.1 302 F\r\nLocation: http://a.example:" + b"9" * 5000 + b"/\r\n\r\n",
        UNREACHABLE,
    ),
    "a redirect to a port that is none": (b"HTTP/1.1 302 F\r\nLocation: http://a.example:x/\r\n\r\n", UNREACHABLE),
    "a redirect to bytes": (b"HTTP/1.1 302 F\r\nLocation: http://\xff\xfe/\r\n\r\n", UNREACHABLE),
    "a redirect to a long address": (b"HTTP/1.1 302 F\r\nLocation: /" + b"a" * 60_000 + b"\r\n\r\n", FORBIDDEN),
    "a redirect to another scheme": (b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n", FORBIDDEN),
    "a redirect to nowhere": (b"HTTP/1.1 302 F\r\n\r\n", UNREACHABLE),
    "a status below 100": (b"HTTP/1.1 007 Bond\r\n\r\n", AWAY),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", AWAY),
    "a status of 999": (b"HTTP/1.1 999 No\r\n\r\n", AWAY),
    "a switch of protocols": (b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", AWAY),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", AWAY),
    "headers of 200 kB": (OK + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n", AWAY),
    "headers without end": (OK + b"X: y\r\n" * 50_000, AWAY),
    "a header with a null": (OK + b"X-Odd: a\0b\r\n\r\n", AWAY),
    "a header without a name": (OK + b": x\r\n\r\n", AWAY),
    "a coding that nobody knows": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", AWAY),
    "a chunk that is no number": (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", CUT),
    "a chunk of 30 digits": (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n", CUT),
    "a rest that is no time": (b"HTTP/1.1 503 B\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n", AWAY),
    "a rest until the year 99999": (b"HTTP/1.1 503 B\r\nRetry-After: Mon, 01 Jan 99999 00:00:00 GMT\r\n\r\n", AWAY),
    "a redirect with a password": (b"HTTP/1.1 302 F\r\nLocation: http://a:b@a.example/\r\n\r\n", FORBIDDEN),
    "a redirect to a machine's secrets": (
        b"HTTP/1.1 302 F\r\nLocation: http://169.254.169.254/latest\r\n\r\n",
        FORBIDDEN,
    ),
    "a redirect with a backslash": (b"HTTP/1.1 302 F\r\nLocation: /\\169.254.169.254/\r\n\r\n", FORBIDDEN),
    "two redirects in one": (
        b"HTTP/1.1 302 F\r\nLocation: http://a.example/\r\nLocation: http://10.0.0.1/\r\n\r\n",
        FORBIDDEN,
    ),
    "a choice of addresses": (b"HTTP/1.1 300 Many\r\nLocation: http://10.0.0.1/\r\n\r\n", UNREACHABLE),
    "no content": (b"HTTP/1.1 204 Nothing\r\n\r\n", UNREACHABLE),
    "nothing new": (b"HTTP/1.1 304 Same\r\n\r\n", UNREACHABLE),
    "20,000 early hints": (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" * 20_000, AWAY),
    "a header cut in two": (OK + b"X-Odd: a\rX-Other: b\r\n\r\n", AWAY),
    "headers of 1 MB": (OK + b"Content-Disposition: attachment; filename=" + b"a" * 2**20 + b"\r\n\r\n", AWAY),
    "a length and a sign": (OK + b"Content-Length: +4\r\n\r\nfour", AWAY),
    "a length in other digits": (OK + b"Content-Length: \xd9\xa4\r\n\r\nfour", AWAY),
    "two codings": (OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", AWAY),
    "a chunk below nothing": (OK + b"Transfer-Encoding: chunked\r\n\r\n-4\r\nfour\r\n0\r\n\r\n", CUT),
    "a chunk with 1 MB of words": (OK + b"Transfer-Encoding: chunked\r\n\r\n4;" + b"a" * 2**20, CUT),
    "trailers without end": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n" + b"X: y\r\n" * 50_000,
        CUT,
    ),
    "compressed": (OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nfour", UNREACHABLE),
    "compressed twice": (OK + b"Content-Encoding: identity, br\r\nContent-Length: 4\r\n\r\nfour", UNREACHABLE),
    "compressed in bytes": (OK + b"Content-Encoding: \xff\r\nContent-Length: 4\r\n\r\nfour", UNREACHABLE),
}

PARTS = {
    "of 10^22 bytes": (b"bytes 0-262143/10000000000000000000000", UNREACHABLE),
    "of 5,000 digits": (b"bytes 0-262143/" + b"9" * 5000, UNREACHABLE),
    "of a file too large": (b"bytes 0-262143/900000000000000000", LARGE),
    "of nothing": (b"bytes 0-262143/0", UNREACHABLE),
    "of an unknown size": (b"bytes 0-262143/*", UNREACHABLE),
    "that ends before it starts": (b"bytes 9-3/1048576", UNREACHABLE),
    "below nothing": (b"bytes -5-262143/1048576", UNREACHABLE),
    "in other units": (b"pages 0-262143/1048576", UNREACHABLE),
    "in bytes that are no text": (b"\xff\xfe", UNREACHABLE),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("way", ["download", "look"])
def test_an_invalid_response_is_a_media_error(name, way, tmp_path):
    answer, expected = ANSWERS[name]
    began, used = time.monotonic(), time.process_time()
    with scripted_origin(answer) as (place, _), pytest.raises(expected) as told:
        asked(way, f"http://{place}/clip.mp4", tmp_path / "input", policy_for(place))
    # A busy machine gives this process a part of its time only.
    assert time.process_time() - used < 4
    assert time.monotonic() - began < 60
    assert place not in told.value.message
    assert list(tmp_path.iterdir()) == [] or way == "look"


def asked(way, url, path, policy):
    if way == "download":
        return download_input(url, path, policy)
    with partial_file_of_url(url, path, policy, 2**20) as parts:
        return parts


@pytest.mark.parametrize("name", PARTS)
def test_an_invalid_range_response_is_a_media_error(name, tmp_path):
    told, expected = PARTS[name]
    answer = PART + b"Content-Range: " + told + b"\r\nContent-Length: 262144\r\n\r\n" + FILE[:HEAD_BYTES]
    with scripted_origin(answer) as (place, _), pytest.raises(expected):
        asked("look", f"http://{place}/clip.mp4", tmp_path / "input", policy_for(place))
    assert list(tmp_path.iterdir()) == []


def test_an_etag_of_any_bytes_is_sent_back_unchanged(tmp_path):
    etag = b'"\xe9\xff v1"'
    with scripted_origin(part(0, HEAD_BYTES, etag), part(HEAD_BYTES, 2 * HEAD_BYTES, etag)) as (place, heard):
        with partial_file_of_url(f"http://{place}/a", tmp_path / "input", policy_for(place), 2**20) as parts:
            parts.fetch(HEAD_BYTES, HEAD_BYTES)
        assert parts.path.read_bytes()[: 2 * HEAD_BYTES] == FILE[: 2 * HEAD_BYTES]
    assert b"If-Match: " + etag + b"\r\n" in heard[1]


def part(start, end, etag):
    place = f"bytes {start}-{end - 1}/{len(FILE)}".encode()
    head = PART + b"ETag: " + etag + b"\r\nContent-Range: " + place
    return head + f"\r\nContent-Length: {end - start}\r\nConnection: close\r\n\r\n".encode() + FILE[start:end]


@pytest.mark.parametrize(
    ("told", "arrives"), [("/b\xc3\xa9.mp4", "/b%C3%A9.mp4"), ("/b\xe9.mp4", "/b%E9.mp4"), ("c d.mp4", "/c d.mp4")]
)
def test_a_non_ascii_redirect_is_followed(told, arrives):
    found = redirect_target("http://a.example/x", {"location": told})
    assert found.removeprefix("http://a.example") in (arrives, arrives.replace("%C3%A9", "é"))


NOW = datetime(2026, 1, 31, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("86400", 300),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("soon", 0),
        ("-3", 0),
        ("", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date_and_at_most_300_s(told, seconds):
    assert retry_after({"retry-after": told}, NOW) == seconds


def test_the_error_has_the_retry_after(tmp_path):
    with (
        scripted_origin(b"HTTP/1.1 429 Slow\r\nRetry-After: 12\r\n\r\n") as (place, _),
        pytest.raises(errors.OriginUnavailable) as told,
    ):
        download_input(f"http://{place}/", tmp_path / "input", policy_for(place))
    assert told.value.retry_after_seconds == 12


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (socket.EAI_NONAME, errors.InputUnreachable),
        (socket.EAI_NODATA, errors.InputUnreachable),
        (socket.EAI_AGAIN, errors.OriginUnavailable),
        (socket.EAI_FAIL, errors.OriginUnavailable),
    ],
)
def test_an_unknown_host_is_permanent_and_a_failed_lookup_is_not(code, expected, monkeypatch, tmp_path):
    def fails(*_, **__):
        raise socket.gaierror(code, "no")

    monkeypatch.setattr(guarded_connections.socket, "getaddrinfo", fails)
    with pytest.raises(expected, match="The host of the input's address cannot be") as told:
        download_input(
            "http://films.example/a",
            tmp_path / "input",
            replace(policy_for(""), resolve=guarded_connections.resolve_host),
        )
    assert "films" not in told.value.message


def test_a_host_without_addresses_is_permanent(tmp_path):
    with pytest.raises(errors.InputUnreachable, match="cannot be found"):
        download_input("http://films.example/a", tmp_path / "input", policy_for(""))
