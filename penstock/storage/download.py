"""Guarded downloads: an input comes from the open internet to this disk whole and within its limits, or not at all."""

import hashlib
import io
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpcore

from penstock.domain import errors
from penstock.domain.addresses import parse_allowed
from penstock.domain.task import InputVersion
from penstock.storage.foreign_errors import translate_storage_errors
from penstock.storage.http_source import OriginClient, OriginResponse
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.network import Deadline, GuardedBackend, Resolver, resolve_host

# What of an input has arrived when it is looked at: enough for most headers. Where its origin sends parts the rest can
# be asked for; else more has to be here.
HEAD_BYTES = 256 * 1024
HEAD_BYTES_WITHOUT_RANGES = 2**20
# A look takes some 50 ms, and a round trip or two where the index is elsewhere: less than this comes as fast.
MIN_REMAINING_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How much an origin may send, and how long it may take.

    `total_seconds` is what any download may take; one of an announced size may take as long as that comes at
    `expected_bytes_per_second`, if that is longer. `allow` is what may be asked although it is not public:
    `host:port` or CIDR, comma separated."""

    max_bytes: int
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 600.0
    expected_bytes_per_second: int = 2**20
    min_bytes_per_second: int = 16 * 1024
    grace_seconds: float = 10.0
    redirects: int = 5
    allow: str = ""
    resolve: Resolver = field(default=resolve_host, compare=False)

    def seconds_for(self, size: int) -> float:
        """How long the download of so many bytes may take in all."""
        return max(self.total_seconds, size / self.expected_bytes_per_second)

    @property
    def longest_seconds(self) -> float:
        """How long the download of the largest input may take."""
        return self.seconds_for(self.max_bytes)


@dataclass(frozen=True, slots=True)
class OngoingDownload:
    """An input whose beginning is here, at `path`; the rest waits at its origin until the look is over."""

    path: Path
    answer: OriginResponse
    policy: FetchPolicy
    stopped: IsStopped


EarlyCheck = Callable[[OngoingDownload], None]


def no_check(arriving: OngoingDownload) -> None:
    """The look that refuses nothing."""


def download(
    url: str,
    path: Path,
    policy: FetchPolicy,
    look: EarlyCheck = no_check,
    stopped: IsStopped = never_stopped,
) -> InputVersion:
    """Bring what `url` leads to into a new file at `path`. Answers which version of it that is.

    `look` sees a large one while it arrives, once, and refuses it by raising."""
    allowed = parse_allowed(policy.allow)
    guard = GuardedBackend(Deadline.of(policy.total_seconds, stopped), allowed, policy.resolve)
    with httpcore.ConnectionPool(network_backend=guard) as pool:
        origins = OriginClient(pool, allowed, policy.redirects, (policy.connect_seconds, policy.read_seconds))
        with origins.answer(url) as answer:
            announced = answer.total or 0
            _require_room(announced, policy.max_bytes)
            guard.patience.extend(policy.seconds_for(announced))
            return _receive(OngoingDownload(path, answer, policy, stopped), look)


def _receive(arriving: OngoingDownload, look: EarlyCheck) -> InputVersion:
    versioned = arriving.answer.etag or arriving.answer.modified
    digest = None if versioned else hashlib.sha256()
    path, policy, look_after = arriving.path, arriving.policy, _look_after(arriving.answer)
    began, arrived = time.monotonic(), 0
    with _kept_if_whole(path), path.open("xb", buffering=0) as file:
        for block in arriving.answer.blocks():
            before, arrived = arrived, arrived + len(block)
            _require_room(arrived, policy.max_bytes)
            _require_pace(arrived, time.monotonic() - began, policy)
            write_all(file, block)
            if digest:
                digest.update(block)
            if before < look_after <= arrived:
                look(arriving)
    return InputVersion(arrived, arriving.answer.etag, arriving.answer.modified, digest.hexdigest() if digest else None)


def _look_after(answer: OriginResponse) -> float:
    """How many bytes are here when an input is looked at; one that will soon be here is not."""
    head = HEAD_BYTES if answer.sends_parts else HEAD_BYTES_WITHOUT_RANGES
    return math.inf if answer.total is not None and answer.total < head + MIN_REMAINING_BYTES else head


def write_all(file: io.FileIO, block: bytes) -> None:
    """Write all of a block, or raise `DiskFull` or `StorageUnavailable`."""
    rest = memoryview(block)
    with translate_storage_errors():
        while rest:
            rest = rest[file.write(rest) :]


@contextmanager
def _kept_if_whole(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _require_pace(arrived: int, seconds: float, policy: FetchPolicy) -> None:
    if seconds > policy.grace_seconds and arrived < seconds * policy.min_bytes_per_second:
        raise errors.InputTimeout("The origin of the input sends too slowly.")


def _require_room(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise errors.InputTooLarge(f"The input is larger than the {max_bytes:,} bytes that are taken.")
