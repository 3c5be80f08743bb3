"""What an origin's headers say, read as a stranger's words: strictly, within bounds, and by no error but ours.

Numbers have 18 digits at most: no size is longer, and Python itself gives up at 4,300."""

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
_LONGEST_DATE = 64


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Which part of how much a `Content-Range` tells: the bytes from `start` up to `end` of `total`."""

    start: int
    end: int
    total: int


def decode_headers(sent: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers by lower-case name; of several with one name the last. Every byte is a character of Latin-1."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent}


def encode_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The same as bytes: what an origin sent goes back to it unchanged."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def content_length(headers: Headers) -> int | None:
    """The `Content-Length` in bytes, None where there is none. Raises `InputUnreachable` for what is no size."""
    told = headers.get("content-length")
    if told is None:
        return None
    if not _NUMBER.fullmatch(told):
        raise errors.InputUnreachable("The origin of the input announces an invalid size.", detail=told[:64])
    return int(told)


def content_range(headers: Headers) -> ContentRange | None:
    """What the `Content-Range` tells, None where it is missing or no part of a file of known size."""
    told = _RANGE.fullmatch(headers.get("content-range", ""))
    if told is None:
        return None
    start, last, total = map(int, told.groups())
    return ContentRange(start, last + 1, total) if start <= last < total else None


def retry_after(headers: Headers, now: datetime) -> float:
    """After how many seconds `Retry-After` asks to come again: a number or a date, 300 at most, 0 for neither."""
    told = headers.get("retry-after", "")
    if _NUMBER.fullmatch(told):
        return min(float(told), MAX_RETRY_AFTER_SECONDS)
    if (moment := _date(told)) is None:
        return 0.0
    return min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


def redirect_target(base: str, headers: Headers) -> str:
    """Where a redirect from `base` leads. Raises `InputUnreachable` where its `Location` cannot be read."""
    try:
        url = urljoin(base, _location(headers.get("location", "")))
        _ = urlsplit(url).port
    except ValueError as fault:
        raise errors.InputUnreachable(
            "The url redirects to an address that cannot be read.", detail=str(fault)[:200]
        ) from fault
    return url


def _location(told: str) -> str:
    """Bytes beyond ASCII as the UTF-8 that they usually are; else escaped one by one."""
    sent = told.encode("latin-1")
    try:
        return sent.decode("utf-8")
    except UnicodeDecodeError:
        return quote(sent, safe=string.punctuation)


def _date(told: str) -> datetime | None:
    if len(told) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
