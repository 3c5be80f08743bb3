"""Which bytes of a file a request wants (RFC 9110 §13, §14): pure, headers in, a span out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*")
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class WholeFile:
    """All of it."""


@dataclass(frozen=True, slots=True)
class RequestedRange:
    """From the byte `start` to the byte `end`, which is still in it."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """A range that lies outside."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing: the caller has it already."""


RangeResult = WholeFile | RequestedRange | Unsatisfiable | Unchanged


def requested_range(headers: Mapping[str, str], etag: str, size: int) -> RangeResult:
    """What a GET or HEAD with these headers is to be answered with."""
    if _names(headers.get("if-none-match", ""), etag):
        return Unchanged()
    if "if-range" in headers and headers["if-range"].strip() != etag:
        return WholeFile()
    return _span(headers.get("range", ""), size)


def _names(header: str, etag: str) -> bool:
    named = [name.strip().removeprefix("W/") for name in header.split(",")]
    return "*" in named or etag in named


def _span(header: str, size: int) -> RangeResult:
    """One range is served; several at once, or what cannot be read, is answered with the whole."""
    found = _RANGE.fullmatch(header)
    if found is None or not any(found.groups()) or max(map(len, found.groups())) > _DIGITS:
        return WholeFile()
    first, last = found.groups()
    if not first:
        return RequestedRange(max(0, size - int(last)), size - 1) if int(last) else Unsatisfiable()
    if last and int(last) < int(first):
        return WholeFile()
    return RequestedRange(int(first), min(int(last or size), size - 1)) if int(first) < size else Unsatisfiable()
