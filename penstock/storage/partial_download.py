"""An input of which only some parts are brought here: those that somebody who looks at it turns out to need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpcore

from penstock.domain import errors
from penstock.domain.addresses import parse_allowed
from penstock.storage.byte_ranges import first_bytes, read_range, version_of
from penstock.storage.download import HEAD_BYTES, FetchPolicy, write_all
from penstock.storage.foreign_errors import translate_storage_errors
from penstock.storage.http_source import OriginClient, OriginResponse
from penstock.storage.interruptible import never_stopped
from penstock.storage.network import Deadline, GuardedBackend
from penstock.storage.objects import ObjectStore

ByteRange = tuple[int, int]
# From a stretch that is wanted to what comes: places and bytes.
RangeReader = Callable[[ByteRange], Iterator[tuple[int, bytes]]]


@dataclass(slots=True)
class PartialFile:
    """A file at `path` of the input's whole size, with holes where nothing was fetched. `most` is how many bytes may
    come; `here` are the stretches that have, in order and apart from each other."""

    path: Path
    total: int
    most: int
    way: RangeReader
    here: list[ByteRange] = field(default_factory=list)

    @property
    def received(self) -> int:
        return sum(end - start for start, end in self.here)

    @property
    def whole(self) -> bool:
        return self.received == self.total

    def fetch(self, start: int, length: int) -> None:
        """Bring so many bytes from `start` here, as far as there are any. Raises `LookLimitExceeded`, and what a
        download raises."""
        wanted = (start, min(self.total, start + length))
        _require_little(self.received + wanted[1] - start, self.most)
        for place, block in self.way(wanted):
            self.keep(place, block)

    def keep(self, place: int, block: bytes) -> None:
        """Put a block to its place."""
        _require_little(self.received + len(block), self.most)
        with translate_storage_errors(), self.path.open("r+b", buffering=0) as file:
            file.seek(place)
            write_all(file, block)
        self.here = _joined([*self.here, (place, place + len(block))])


@contextmanager
def partial_file_of_url(url: str, path: Path, policy: FetchPolicy, most: int) -> Iterator[PartialFile]:
    """What `url` leads to, its first 256 KiB fetched. The rules of a download hold for every part of it.

    Where the origin sends no parts, the file is read from its beginning only as far as is wanted."""
    allowed = parse_allowed(policy.allow)
    guard = GuardedBackend(Deadline.of(policy.total_seconds, never_stopped), allowed, policy.resolve)
    with httpcore.ConnectionPool(network_backend=guard) as pool:
        origins = OriginClient(pool, allowed, policy.redirects, (policy.connect_seconds, policy.read_seconds))
        with origins.answer(url, first_bytes(HEAD_BYTES)) as answer:
            yield _begun(answer, path, origins, (most, policy.max_bytes))


@contextmanager
def partial_file_of_object(objects: ObjectStore, key: str, path: Path, most: int) -> Iterator[PartialFile]:
    """A stored file, its first 256 KiB fetched."""
    parts = new_partial_file(
        path, objects.size(key), most, lambda wanted: with_offsets(wanted[0], _stored(objects, key, wanted))
    )
    parts.fetch(0, HEAD_BYTES)
    yield parts


def _begun(answer: OriginResponse, path: Path, origins: OriginClient, bounds: tuple[int, int]) -> PartialFile:
    """`bounds` are how much may come, and how large the whole may be: that is judged before a byte is written."""
    most, largest = bounds
    if answer.response.status == 206:
        version = version_of(answer, HEAD_BYTES)
        _require_taken(version.total, largest)
        first = with_offsets(0, answer.blocks())
        parts = new_partial_file(path, version.total, most, lambda _: first)
        parts.fetch(0, HEAD_BYTES)
        answer.response.close()  # its connection serves the other parts
        parts.way = lambda wanted: with_offsets(wanted[0], read_range(origins, version, *wanted))
        return parts
    if answer.total is None:
        return _measured(answer, path, most)
    _require_taken(answer.total, largest)
    parts = new_partial_file(path, answer.total, most, ForwardReader(answer.blocks()))
    parts.fetch(0, HEAD_BYTES)
    return parts


def _measured(answer: OriginResponse, path: Path, most: int) -> PartialFile:
    """A file whose size nobody tells has to be read to its end."""
    parts = new_partial_file(path, 0, most, lambda _: iter(()))
    for place, block in with_offsets(0, answer.blocks()):
        parts.keep(place, block)
        parts.total = parts.received
    return parts


@dataclass(slots=True)
class ForwardReader:
    """The way of an origin that sends no parts: only forward, from where the last part ended."""

    blocks: Iterator[bytes]
    place: int = 0

    def __call__(self, wanted: ByteRange) -> Iterator[tuple[int, bytes]]:
        while self.place < wanted[1] and (block := next(self.blocks, None)) is not None:
            yield self.place, block
            self.place += len(block)


def _stored(objects: ObjectStore, key: str, wanted: ByteRange) -> Iterator[bytes]:
    return objects.read(key, wanted[0], wanted[1] - wanted[0])


def with_offsets(start: int, blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Blocks that follow each other, each with its place."""
    for block in blocks:
        yield start, block
        start += len(block)


def new_partial_file(path: Path, total: int, most: int, way: RangeReader) -> PartialFile:
    """A new file of which nothing is here yet."""
    with translate_storage_errors(), path.open("xb") as file:
        file.truncate(total)
    return PartialFile(path, total, most, way)


def _joined(stretches: list[ByteRange]) -> list[ByteRange]:
    """The same places, each told once."""
    joined: list[ByteRange] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _require_little(size: int, most: int) -> None:
    if size > most:
        raise errors.ProbeLimitExceeded(
            f"More than {most:,} bytes of this input would have to be read to plan it; ask for the conversion itself."
        )


def _require_taken(total: int, max_bytes: int) -> None:
    if total > max_bytes:
        raise errors.InputTooLarge(f"The input is larger than the {max_bytes:,} bytes that are taken.")
