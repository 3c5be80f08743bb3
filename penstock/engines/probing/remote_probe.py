"""Probe an input of which only the needed byte ranges are fetched: enough to plan a conversion."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.engines.probing.file_probe import probe, probe_header, truncation_detected
from penstock.engines.probing.media_limits import checked_media
from penstock.engines.probing.readers import FileType
from penstock.engines.probing.results import ByteRange, PartialProbe
from penstock.engines.probing.signatures import sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.supervise import Watch

_MIN_FETCH_BYTES = 256 * 1024
_MAX_ROUNDS = 40
_TIMEOUT_SECONDS = 10.0


class PartialInput(Protocol):
    """A sparse file of `total` bytes, of which only the ranges in `fetched` are present."""

    path: Path
    total: int
    fetched: list[ByteRange]

    @property
    def is_complete(self) -> bool: ...

    def fetch(self, start: int, length: int) -> None: ...


def probe_remote(partial: PartialInput, tools: Tools, watch: Watch | None = None) -> Media:
    """The facts of the input by its header and index; fetches the byte ranges that this needs.

    The rest of the input may be damaged or missing. Raises what `probe` and `PartialInput.fetch` raise."""
    file_type = _sniff(partial)
    if partial.is_complete:
        return probe(partial.path, tools, watch)
    if file_type.reader == "pillow":
        return _probe_image(partial, file_type, tools, watch)
    for _ in range(_MAX_ROUNDS):
        result = _probe_partial(partial, file_type, tools, watch)
        if result.media is not None:
            return result.media
        _fetch(partial, result.missing_offset or 0)
        if partial.is_complete:
            return probe(partial.path, tools, watch)
    raise errors.ProbeLimitExceeded(
        "The index of this input is too fragmented to plan from. Start the conversion itself instead."
    )


def _sniff(partial: PartialInput) -> FileType:
    """The file's type, which may come after a long ID3 tag."""
    while True:
        try:
            return sniff(partial.path)
        except errors.InputUnreadable:
            if partial.is_complete or not _has_id3(partial.path):
                raise
            _fetch(partial, partial.fetched[0][1])


def _has_id3(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(3) == b"ID3"


def _probe_image(partial: PartialInput, file_type: FileType, tools: Tools, watch: Watch | None) -> Media:
    """The header of a JPEG is enough. Other formats may have frames or EXIF at their end, and are fetched whole."""
    if file_type.container == "jpeg":
        try:
            return probe_header(partial.path, tools, watch)
        except (errors.InputUnreadable, errors.InputTruncated):
            pass
    while not partial.is_complete:
        _fetch(partial, partial.fetched[0][1])
    return probe(partial.path, tools, watch)


def _fetch(partial: PartialInput, offset: int) -> None:
    """Fetch from `offset` on. Doubles the range that ends there, so that a long index takes few rounds."""
    before = next((end - start for start, end in partial.fetched if end == offset), 0)
    next_start = min((start for start, _ in partial.fetched if start > offset), default=partial.total)
    partial.fetch(offset, min(max(before, _MIN_FETCH_BYTES), next_start - offset))


def _probe_partial(partial: PartialInput, file_type: FileType, tools: Tools, watch: Watch | None) -> PartialProbe:
    request = SandboxCall(
        function="probe_partial",
        arguments=(str(partial.path), file_type.container, file_type.format_name, tools.limits, partial.fetched),
        paths=Paths(reading=(str(partial.path),)),
        seconds=_TIMEOUT_SECONDS,
        memory_bytes=tools.limits.child_memory_bytes,
        niceness=tools.niceness,
    )
    with truncation_detected(partial.path):
        result = call(tools.pool, request, _result_decoder(), watch)
    return replace(result, media=checked_media(result.media, tools.limits)) if result.media else result


@cache
def _result_decoder() -> ResultDecoder[PartialProbe]:
    return ResultDecoder(TypeAdapter(PartialProbe))
