"""Asking an origin for a stretch of a file, and being sure that it is of the same file as the last one."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpcore

from penstock.domain import errors
from penstock.domain.addresses import WebAddress
from penstock.storage.http_source import OriginClient, OriginResponse, blocks_of, decoded_headers, require_success
from penstock.storage.response_headers import ContentRange, Headers, content_length, content_range

_REFUSED = frozenset((200, 412, 416))


@dataclass(frozen=True, slots=True)
class RemoteVersion:
    """A file at an origin, as it was at the first answer. `total` is its size in bytes, `modified` the date that the
    origin tells."""

    address: WebAddress
    etag: str | None
    total: int
    modified: str | None = None


def first_bytes(length: int) -> Headers:
    """What asks for the first `length` bytes, where the origin can send them alone."""
    return {"Range": f"bytes=0-{length - 1}"}


def version_of(answer: OriginResponse, length: int) -> RemoteVersion:
    """Of which file the answer to `beginning(length)` is a part. Raises `InputUnreachable` for any other part."""
    place = content_range(answer.headers)
    if place is None or place != ContentRange(0, min(length, place.total), place.total) or answer.total != place.end:
        raise errors.InputUnreachable("The origin of the input sends another part of it than it was asked for.")
    return version_of_whole(answer, place.total)


def version_of_whole(answer: OriginResponse, total: int) -> RemoteVersion:
    """The version that an answer is of, where its size is known."""
    return RemoteVersion(answer.address, answer.etag, total, answer.modified)


def read_range(origins: OriginClient, version: RemoteVersion, start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` up to `end`. Raises `InputChanged` where the origin has another file by now."""
    with origins.asked(version.address, _wanted(version, start, end)) as response:
        unlike = response.status == 206 and not _is_the_part(response, version, start, end)
        if response.status in _REFUSED or unlike:
            raise errors.InputChanged("The input has changed while it was read; try again.")
        yield from blocks_of(require_success(response, (206,)))


def _wanted(version: RemoteVersion, start: int, end: int) -> Headers:
    same = {"If-Match": version.etag} if version.etag and not version.etag.startswith("W/") else {}
    return {"Range": f"bytes={start}-{end - 1}", **same}


def _is_the_part(response: httpcore.Response, version: RemoteVersion, start: int, end: int) -> bool:
    headers = decoded_headers(response)
    return (
        content_range(headers) == ContentRange(start, end, version.total)
        and content_length(headers) == end - start
        and headers.get("etag") == version.etag
        and headers.get("last-modified", version.modified) == version.modified
        and "content-encoding" not in headers
    )
