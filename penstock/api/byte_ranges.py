"""Which bytes of a file a request asks for (RFC 9110 §13, §14). Pure: headers in, a range out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*")
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class WholeFile:
    """The whole file."""


@dataclass(frozen=True, slots=True)
class RequestedRange:
    """The bytes from `start` to `end`, inclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """A range beyond the end of the file (416)."""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The caller has the current version (304)."""


RangeResult = WholeFile | RequestedRange | Unsatisfiable | NotModified


def requested_range(headers: Mapping[str, str], etag: str, size: int) -> RangeResult:
    """What to send for a GET or HEAD with these headers."""
    if _matches(headers.get("if-none-match", ""), etag):
        return NotModified()
    if "if-range" in headers and headers["if-range"].strip() != etag:
        return WholeFile()
    return _range(headers.get("range", ""), size)


def _matches(if_none_match: str, etag: str) -> bool:
    etags = [value.strip().removeprefix("W/") for value in if_none_match.split(",")]
    return "*" in etags or etag in etags


def _range(header: str, size: int) -> RangeResult:
    """One range is served; several ranges or an invalid header get the whole file."""
    found = _RANGE.fullmatch(header)
    if found is None or not any(found.groups()) or max(map(len, found.groups())) > _MAX_DIGITS:
        return WholeFile()
    first, last = found.groups()
    if not first:
        return RequestedRange(max(0, size - int(last)), size - 1) if int(last) else Unsatisfiable()
    if last and int(last) < int(first):
        return WholeFile()
    return RequestedRange(int(first), min(int(last or size), size - 1)) if int(first) < size else Unsatisfiable()
