"""Inputs of which only some byte ranges are fetched: those that a probe needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from penstock.domain import errors
from penstock.storage.download import HEAD_BYTES, OngoingDownload
from penstock.storage.error_translation import translate_storage_errors
from penstock.storage.http_source import FetchPolicy, OriginClient, OriginResponse, origin_client
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.local_files import write_all
from penstock.storage.locations.location import Location
from penstock.storage.object_store import ObjectStore
from penstock.storage.ranged_requests import first_bytes, read_range, version_of, version_of_whole

_Range = tuple[int, int]
# Reads at least the bytes from start up to end; yields blocks with their offsets.
RangeReader = Callable[[int, int], Iterator[tuple[int, bytes]]]


@dataclass(slots=True)
class PartialFile:
    """A sparse file at `path` of the input's size. `fetched` are the ranges that are present, in order and not
    touching; at most `max_bytes` may be fetched."""

    path: Path
    total: int
    max_bytes: int
    reader: RangeReader
    fetched: list[_Range] = field(default_factory=list)

    @property
    def received(self) -> int:
        """How many bytes have been fetched."""
        return sum(end - start for start, end in self.fetched)

    @property
    def is_complete(self) -> bool:
        return self.received == self.total

    def fetch(self, start: int, length: int) -> None:
        """Fetch `length` bytes from `start`, or up to the end. Raises `ProbeLimitExceeded`, and what a download
        does."""
        end = min(self.total, start + length)
        _require_budget(self.received + end - start, self.max_bytes)
        for offset, block in self.reader(start, end):
            self.write(offset, block)

    def write(self, offset: int, block: bytes) -> None:
        _require_budget(self.received + len(block), self.max_bytes)
        with translate_storage_errors(), self.path.open("r+b", buffering=0) as file:
            file.seek(offset)
            write_all(file, block)
        self.fetched = _merged([*self.fetched, (offset, offset + len(block))])


@contextmanager
def partial_file_of_url(url: str, path: Path, policy: FetchPolicy, max_bytes: int) -> Iterator[PartialFile]:
    """The input at `url` with its first 256 KiB fetched. The policy of a download applies to all ranges together.

    If the origin does not serve ranges, the file is read from its start as far as needed."""
    with origin_client(policy) as client, client.open(url, first_bytes(HEAD_BYTES)) as response:
        yield _opened(response, path, client, max_bytes)


@contextmanager
def partial_file_of_object(objects: ObjectStore, key: str, path: Path, max_bytes: int) -> Iterator[PartialFile]:
    """A stored file with its first 256 KiB fetched."""

    def reader(start: int, end: int) -> Iterator[tuple[int, bytes]]:
        return _with_offsets(start, objects.read(key, start, end - start))

    parts = _new_partial_file(path, objects.size(key), max_bytes, reader)
    parts.fetch(0, HEAD_BYTES)
    yield parts


@contextmanager
def partial_file_of_location(
    location: Location, name: str, path: Path, max_bytes: int, is_stopped: IsStopped = never_stopped
) -> Iterator[PartialFile]:
    """A file in a folder or prefix with its first 256 KiB fetched."""
    with location.open_ranges(name, is_stopped) as opened:

        def reader(start: int, end: int) -> Iterator[tuple[int, bytes]]:
            if start < end:
                yield start, opened.read(start, end)

        parts = _new_partial_file(path, opened.size, max_bytes, reader)
        parts.fetch(0, HEAD_BYTES)
        yield parts


@contextmanager
def partial_file_of_download(
    ongoing: OngoingDownload, total: int, max_bytes: int, seconds: float
) -> Iterator[PartialFile]:
    """A copy of what has arrived of a download; other ranges of the same version are requested from the origin, up to
    `max_bytes` and `seconds` in all.

    Fetching raises `InputChanged` for another version, or if the origin does not serve ranges."""
    path = ongoing.path.with_name(f"{ongoing.path.name}.partial")
    version = version_of_whole(ongoing.response, total)
    try:
        with origin_client(ongoing.policy, seconds, ongoing.is_stopped) as client:

            def reader(start: int, end: int) -> Iterator[tuple[int, bytes]]:
                if not ongoing.response.may_support_ranges:
                    raise errors.InputChanged("The origin of the input does not serve byte ranges.")
                return _with_offsets(start, read_range(client, version, start, end))

            parts = _new_partial_file(path, total, max_bytes, reader)
            parts.write(0, ongoing.path.read_bytes())
            yield parts
    finally:
        path.unlink(missing_ok=True)


def _opened(response: OriginResponse, path: Path, client: OriginClient, max_bytes: int) -> PartialFile:
    """The size is checked before anything is written."""
    if response.response.status == 206:
        return _opened_by_range(response, path, client, max_bytes)
    if response.total is None:
        return _read_to_end(response, path, max_bytes)
    _require_size(response.total, client.policy.max_bytes)
    parts = _new_partial_file(path, response.total, max_bytes, _ForwardReader(response.blocks()))
    parts.fetch(0, HEAD_BYTES)
    return parts


def _opened_by_range(response: OriginResponse, path: Path, client: OriginClient, max_bytes: int) -> PartialFile:
    version = version_of(response, HEAD_BYTES)
    _require_size(version.total, client.policy.max_bytes)
    head = _with_offsets(0, response.blocks())
    parts = _new_partial_file(path, version.total, max_bytes, lambda _start, _end: head)
    parts.fetch(0, HEAD_BYTES)
    response.response.close()  # frees its connection for the next ranges
    parts.reader = lambda start, end: _with_offsets(start, read_range(client, version, start, end))
    return parts


def _read_to_end(response: OriginResponse, path: Path, max_bytes: int) -> PartialFile:
    """A file of unknown size has to be read whole."""
    parts = _new_partial_file(path, 0, max_bytes, lambda _start, _end: iter(()))
    for offset, block in _with_offsets(0, response.blocks()):
        parts.write(offset, block)
        parts.total = parts.received
    return parts


@dataclass(slots=True)
class _ForwardReader:
    """The range reader of an origin that does not serve ranges: reads on from where the last range ended."""

    blocks: Iterator[bytes]
    offset: int = 0

    def __call__(self, _start: int, end: int) -> Iterator[tuple[int, bytes]]:
        while self.offset < end and (block := next(self.blocks, None)) is not None:
            yield self.offset, block
            self.offset += len(block)


def _with_offsets(start: int, blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    for block in blocks:
        yield start, block
        start += len(block)


def _new_partial_file(path: Path, total: int, max_bytes: int, reader: RangeReader) -> PartialFile:
    with translate_storage_errors(), path.open("xb") as file:
        file.truncate(total)
    return PartialFile(path, total, max_bytes, reader)


def _merged(ranges: list[_Range]) -> list[_Range]:
    """The same bytes as ranges that do not touch, in order."""
    merged: list[_Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _require_budget(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise errors.ProbeLimitExceeded(
            f"Planning would read more than {max_bytes:,} bytes of this input; request the conversion instead."
        )


def _require_size(total: int, max_bytes: int) -> None:
    if total > max_bytes:
        raise errors.InputTooLarge(f"The input is larger than the {max_bytes:,} bytes allowed.")
