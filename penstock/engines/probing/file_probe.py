"""The facts of a file, whatever it is, read in a child of the nursery."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.engines.probing.limits import media_within
from penstock.engines.probing.signatures import ends_within_a_box, sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.supervise import Watch

_LEAST_SECONDS = 20.0
_BYTES_A_SECOND = 20 * 2**20


def probe(path: Path, tools: Tools, watch: Watch | None = None) -> Media:
    """What the file is and holds. Raises an `InputError`, `Cancelled`, or `ResourceLimit` where reading it needs
    too much."""
    with cut_off_told(path):
        return _ask("examine", path, tools, watch)


def probe_header(path: Path, tools: Tools, watch: Watch | None = None) -> Media:
    """The same of a file that is still on its way: enough to plan with, no word on whether it is whole."""
    return _ask("glance", path, tools, watch)


@contextmanager
def cut_off_told(path: Path) -> Iterator[None]:
    """Raises `InputTruncated` for what cannot be read because its end, and with it its index, is missing."""
    try:
        yield
    except errors.InputUnreadable as unreadable:
        if ends_within_a_box(path):
            raise errors.InputTruncated("The input is cut off: its index is missing.") from unreadable
        raise


def _ask(function: str, path: Path, tools: Tools, watch: Watch | None) -> Media:
    sniffed = sniff(path)
    errand = SandboxCall(
        function=function if sniffed.reader == "libav" else "picture",
        arguments=(str(path), sniffed.container, sniffed.opener, tools.limits),
        paths=Paths(reading=(str(path),)),
        seconds=reading_seconds(path),
        memory_bytes=tools.limits.child_memory_bytes,
    )
    return media_within(call(tools.pool, errand, _media(), watch), tools.limits)


def reading_seconds(path: Path) -> float:
    """How long walking through a file may take."""
    return _LEAST_SECONDS + path.stat().st_size / _BYTES_A_SECOND


@cache
def _media() -> ResultDecoder[Media]:
    return ResultDecoder(TypeAdapter(Media))
