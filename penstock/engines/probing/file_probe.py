"""Probe local files in child processes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.limits import Limits
from penstock.domain.media import Media
from penstock.engines.probing.media_limits import checked_media
from penstock.engines.probing.signatures import ends_inside_box, sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall
from penstock.sandbox.call_each import CallOutcome, call_each
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.outcomes import attempt, required
from penstock.sandbox.supervise import Watch

_MIN_SECONDS = 20.0
_BYTES_PER_SECOND = 20 * 2**20


def probe(path: Path, tools: Tools, watch: Watch | None = None) -> Media:
    """The facts of a complete file. Raises an `InputError`, `Cancelled`, or `ResourceLimit` if reading it needs too
    much memory or time."""
    (outcome,) = probe_each((path,), tools, watch)
    return required(outcome)


def probe_each(paths: Sequence[Path], tools: Tools, watch: Watch | None = None) -> list[Media | errors.MediaError]:
    """The facts of each of several complete files, or the error that `probe` raises for it. Raises `Cancelled`."""
    outcomes = _outcomes("probe_container", paths, tools, watch)
    return [
        attempt(partial(_checked, path, tools.limits), outcome) for path, outcome in zip(paths, outcomes, strict=True)
    ]


def probe_header(path: Path, tools: Tools, watch: Watch | None = None) -> Media:
    """The facts of a file that is still being downloaded. It may be incomplete. Raises as `probe` does."""
    (outcome,) = _outcomes("probe_container_header", (path,), tools, watch)
    return checked_media(required(outcome.result), tools.limits)


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


def _outcomes(function: str, paths: Sequence[Path], tools: Tools, watch: Watch | None) -> list[CallOutcome[Media]]:
    """`function` reads containers; images have one of their own."""
    requests = [attempt(partial(_request, function, tools), path) for path in paths]
    return call_each(tools.pool, requests, _media_decoder(), watch)


def _checked(path: Path, limits: Limits, outcome: CallOutcome[Media]) -> Media:
    with truncation_detected(path):
        return checked_media(required(outcome.result), limits)


def _request(function: str, tools: Tools, path: Path) -> SandboxCall:
    try:
        file_type, seconds = sniff(path), read_timeout(path)
    except OSError as error:
        raise errors.InputUnreachable("The input file cannot be opened.", detail=repr(error)) from error
    return SandboxCall(
        function=function if file_type.reader == "libav" else "probe_image",
        arguments=(str(path), file_type.container, file_type.format_name, tools.limits),
        paths=Paths(reading=(str(path),)),
        seconds=seconds,
        memory_bytes=tools.limits.child_memory_bytes,
        niceness=tools.niceness,
    )


@cache
def _media_decoder() -> ResultDecoder[Media]:
    return ResultDecoder(TypeAdapter(Media))
