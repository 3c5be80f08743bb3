"""Parsing of an origin's response headers: strict, bounded, and with our errors only.

Numbers have at most 18 digits: no size is longer, and Python refuses more than 4,300."""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urljoin, urlsplit

from penstock.domain import errors

Headers = dict[str, str]

MAX_RETRY_AFTER_SECONDS = 300.0
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_MAX_DATE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ContentRange:
    """A `Content-Range`: the bytes from `start` up to `end` (exclusive) of `total`."""

    start: int
    end: int
    total: int


def decode_headers(sent: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers by lower-case name, decoded as Latin-1; the last one if a name is repeated."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent}


def encode_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers as bytes; what `decode_headers` read is encoded unchanged."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def content_length(headers: Headers) -> int | None:
    """The `Content-Length` in bytes; None if absent. Raises `InputUnreachable` if it is no number."""
    value = headers.get("content-length")
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise errors.InputUnreachable("The origin of the input announces an invalid size.", detail=value[:64])
    return int(value)


def content_range(headers: Headers) -> ContentRange | None:
    """The `Content-Range`; None if it is absent, invalid or without a total."""
    match = _RANGE.fullmatch(headers.get("content-range", ""))
    if match is None:
        return None
    start, last, total = map(int, match.groups())
    return ContentRange(start, last + 1, total) if start <= last < total else None


def retry_after(headers: Headers, now: datetime) -> float:
    """The `Retry-After` in seconds, given as a number or a date; at most 300, 0 if absent or invalid."""
    value = headers.get("retry-after", "")
    if _NUMBER.fullmatch(value):
        return min(float(value), MAX_RETRY_AFTER_SECONDS)
    if (time := _date(value)) is None:
        return 0.0
    return min(max((time - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


def redirect_target(base: str, headers: Headers) -> str:
    """The target of a redirect from `base`. Raises `InputUnreachable` if its `Location` is invalid."""
    try:
        url = urljoin(base, _location(headers.get("location", "")))
        _ = urlsplit(url).port
    except ValueError as error:
        raise errors.InputUnreachable("The url redirects to an invalid address.", detail=str(error)[:200]) from error
    return url


def _location(value: str) -> str:
    """Non-ASCII bytes decoded as UTF-8; percent-encoded if they are not UTF-8."""
    sent = value.encode("latin-1")
    try:
        return sent.decode("utf-8")
    except UnicodeDecodeError:
        return quote(sent, safe=string.punctuation)


def _date(value: str) -> datetime | None:
    if len(value) > _MAX_DATE_LENGTH:
        return None
    try:
        time = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
