"""The facts of an input of which no more is read than they need: what a plan is made of."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.engines.probing.file_probe import cut_off_told, probe, probe_header
from penstock.engines.probing.limits import media_within
from penstock.engines.probing.results import Sketched, Stretch
from penstock.engines.probing.signatures import FileType, sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.supervise import Watch

_STEP_BYTES = 256 * 1024
_ROUNDS = 40
_SECONDS = 10.0


class PartialInput(Protocol):
    """An input that is here in parts, with holes between them."""

    path: Path
    total: int
    here: list[Stretch]

    @property
    def whole(self) -> bool: ...

    def fetch(self, start: int, length: int) -> None: ...


def probe_remote(parts: PartialInput, tools: Tools, watch: Watch | None = None) -> Media:
    """What the input is and holds, by its header and index. Fetches what it turns out to need.

    It says no word on whether the rest is whole. Raises what `probe` raises, and what fetching does."""
    sniffed = _sniffed(parts)
    if parts.whole:
        return probe(parts.path, tools, watch)
    if sniffed.reader == "pillow":
        return _picture(parts, sniffed, tools, watch)
    for _ in range(_ROUNDS):
        drawn = _sketch(parts, sniffed, tools, watch)
        if drawn.media is not None:
            return drawn.media
        _fetch_from(parts, drawn.missing or 0)
        if parts.whole:
            return probe(parts.path, tools, watch)
    raise errors.ProbeLimitExceeded(
        "The index of this input lies in too many places to plan it; ask for the conversion itself."
    )


def _sniffed(parts: PartialInput) -> FileType:
    """What the input is. A long tag at its front may hide that."""
    while True:
        try:
            return sniff(parts.path)
        except errors.InputUnreadable:
            if parts.whole or not _has_tag(parts.path):
                raise
            _fetch_from(parts, parts.here[0][1])


def _has_tag(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == b"ID3"


def _picture(parts: PartialInput, sniffed: FileType, tools: Tools, watch: Watch | None) -> Media:
    """A JPEG tells all of itself at its beginning; other pictures may tell of frames and turns at their end."""
    if sniffed.container == "jpeg":
        try:
            return probe_header(parts.path, tools, watch)
        except (errors.InputUnreadable, errors.InputTruncated):
            pass
    while not parts.whole:
        _fetch_from(parts, parts.here[0][1])
    return probe(parts.path, tools, watch)


def _fetch_from(parts: PartialInput, place: int) -> None:
    """As much again as what is here right before that place: so that a long index takes few steps."""
    before = next((end - start for start, end in parts.here if end == place), 0)
    after = min((start for start, _ in parts.here if start > place), default=parts.total)
    parts.fetch(place, min(max(before, _STEP_BYTES), after - place))


def _sketch(parts: PartialInput, sniffed: FileType, tools: Tools, watch: Watch | None) -> Sketched:
    errand = SandboxCall(
        function="sketch",
        arguments=(str(parts.path), sniffed.container, sniffed.opener, tools.limits, parts.here),
        paths=Paths(reading=(str(parts.path),)),
        seconds=_SECONDS,
        memory_bytes=tools.limits.child_memory_bytes,
    )
    with cut_off_told(parts.path):
        drawn = call(tools.pool, errand, _reader(), watch)
    return replace(drawn, media=media_within(drawn.media, tools.limits)) if drawn.media else drawn


@cache
def _reader() -> ResultDecoder[Sketched]:
    return ResultDecoder(TypeAdapter(Sketched))
