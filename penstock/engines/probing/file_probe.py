"""Probe a local file in a child process."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.engines.probing.media_limits import checked_media
from penstock.engines.probing.signatures import ends_inside_box, sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.supervise import Watch

_MIN_SECONDS = 20.0
_BYTES_PER_SECOND = 20 * 2**20


def probe(path: Path, tools: Tools, watch: Watch | None = None) -> Media:
    """The facts of a complete file. Raises an `InputError`, `Cancelled`, or `ResourceLimit` if reading it needs too
    much memory or time."""
    with truncation_detected(path):
        return _call("probe_container", path, tools, watch)


def probe_header(path: Path, tools: Tools, watch: Watch | None = None) -> Media:
    """The facts of a file that is still being downloaded. It may be incomplete. Raises as `probe` does."""
    return _call("probe_container_header", path, tools, watch)


@contextmanager
def truncation_detected(path: Path) -> Iterator[None]:
    """Raises `InputTruncated` instead of `InputUnreadable` if the end of the file, with its index, is missing."""
    try:
        yield
    except errors.InputUnreadable as unreadable:
        if ends_inside_box(path):
            raise errors.InputTruncated("The input is cut off: its index is missing.") from unreadable
        raise


def read_timeout(path: Path) -> float:
    """How many seconds reading the whole file may take."""
    return _MIN_SECONDS + path.stat().st_size / _BYTES_PER_SECOND


def _call(function: str, path: Path, tools: Tools, watch: Watch | None) -> Media:
    file_type = sniff(path)
    request = SandboxCall(
        function=function if file_type.reader == "libav" else "probe_image",
        arguments=(str(path), file_type.container, file_type.format_name, tools.limits),
        paths=Paths(reading=(str(path),)),
        seconds=read_timeout(path),
        memory_bytes=tools.limits.child_memory_bytes,
    )
    return checked_media(call(tools.pool, request, _media_decoder(), watch), tools.limits)


@cache
def _media_decoder() -> ResultDecoder[Media]:
    return ResultDecoder(TypeAdapter(Media))
