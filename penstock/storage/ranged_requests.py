"""Byte ranges of a file at an origin, all of one version of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpcore

from penstock.domain import errors
from penstock.domain.web_addresses import WebAddress
from penstock.storage.http_source import OriginClient, OriginResponse, blocks_of, decoded_headers, require_success
from penstock.storage.response_headers import ContentRange, Headers, content_length, content_range

_CHANGED = frozenset((200, 412, 416))


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """The version of a file that the first response showed. `total` is its size in bytes, `modified` its
    `Last-Modified`."""

    address: WebAddress
    etag: str | None
    total: int
    modified: str | None = None


def first_bytes(length: int) -> Headers:
    """The header that requests the first `length` bytes."""
    return {"Range": f"bytes=0-{length - 1}"}


def version_of(response: OriginResponse, length: int) -> RemoteVersion:
    """The version in the 206 response to `first_bytes(length)`. Raises `InputUnreachable` for any other range."""
    sent = content_range(response.headers)
    if sent is None or sent != ContentRange(0, min(length, sent.total), sent.total) or response.total != sent.end:
        raise errors.InputUnreachable("The origin of the input sends another byte range than requested.")
    return version_of_whole(response, sent.total)


def version_of_whole(response: OriginResponse, total: int) -> RemoteVersion:
    """The version in a response whose file has `total` bytes."""
    return RemoteVersion(response.address, response.etag, total, response.modified)


def read_range(client: OriginClient, version: RemoteVersion, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` up to `end`. Raises `InputChanged` if the origin has another version by now."""
    with client.request(version.address, _range_headers(version, start, end)) as response:
        unexpected = response.status == 206 and not _is_expected(response, version, start, end)
        if response.status in _CHANGED or unexpected:
            raise errors.InputChanged("The input changed while it was read; try again.")
        yield from blocks_of(require_success(response, (206,)))


def _range_headers(version: RemoteVersion, start: int, end: int) -> Headers:
    """A weak ETag may not be used in `If-Match` (RFC 9110 §13.1.1)."""
    same = {"If-Match": version.etag} if version.etag and not version.etag.startswith("W/") else {}
    return {"Range": f"bytes={start}-{end - 1}", **same}


def _is_expected(response: httpcore.Response, version: RemoteVersion, start: int, end: int) -> bool:
    headers = decoded_headers(response)
    return (
        content_range(headers) == ContentRange(start, end, version.total)
        and content_length(headers) == end - start
        and headers.get("etag") == version.etag
        and headers.get("last-modified", version.modified) == version.modified
        and "content-encoding" not in headers
    )
