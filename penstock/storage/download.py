"""Guarded downloads: an input is stored on the local disk whole and within its limits, or not at all."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock.domain import errors
from penstock.domain.task import InputVersion
from penstock.storage.http_source import FetchPolicy, OriginResponse, origin_client
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.local_files import removed_on_error, write_all

# How many bytes have arrived when an input is checked early: most headers fit. Where the origin serves byte ranges the
# rest of a header can be requested; else more has to be here.
HEAD_BYTES = 256 * 1024
HEAD_BYTES_WITHOUT_RANGES = 2**20
# An early check takes about 50 ms and a round trip or two; fewer bytes than these arrive as fast.
MIN_REMAINING_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class OngoingDownload:
    """A download of which the first bytes are at `path`; it is paused during the early check."""

    path: Path
    response: OriginResponse
    policy: FetchPolicy
    is_stopped: IsStopped


DownloadCheck = Callable[[OngoingDownload], None]


def no_check(_download: OngoingDownload) -> None:
    """The early check that rejects nothing."""


def download_input(
    url: str,
    path: Path,
    policy: FetchPolicy,
    check: DownloadCheck = no_check,
    is_stopped: IsStopped = never_stopped,
) -> InputVersion:
    """Download `url` to a new file at `path`; returns which version of the input it is.

    A large input is passed to `check` once, while it arrives; the check rejects it by raising."""
    with origin_client(policy, is_stopped=is_stopped) as client, client.open(url) as response:
        size = response.total or 0
        _require_size(size, policy.max_bytes)
        client.deadline.extend(policy.seconds_for(size))
        return _receive(OngoingDownload(path, response, policy, is_stopped), check)


def download_bytes(url: str, policy: FetchPolicy, limit: int) -> bytes:
    """The content of a small file. Raises `InputTooLarge`, and what a download raises."""
    content = bytearray()
    with origin_client(policy) as client, client.open(url) as response:
        for block in response.blocks():
            content += block
            _require_size(len(content), limit)
    return bytes(content)


def is_unchanged(url: str, known: InputVersion, policy: FetchPolicy) -> bool:
    """Whether the input at `url` is still this version. Raises what a download raises.

    Compares the `ETag` or `Last-Modified`; if the origin sends neither, downloads the input to hash it."""
    with origin_client(policy) as client, client.open(url) as response:
        if response.total not in (None, known.length):
            return False
        if known.etag or response.etag:
            return known.etag == response.etag
        if known.modified or response.modified:
            return known.modified == response.modified
        client.deadline.extend(policy.seconds_for(known.length))
        return _sha256(response, known.length) == known.sha256


def _receive(ongoing: OngoingDownload, check: DownloadCheck) -> InputVersion:
    response, path, policy = ongoing.response, ongoing.path, ongoing.policy
    check_after = _check_after(response)
    started, received, digest = time.monotonic(), 0, hashlib.sha256()
    with removed_on_error(path), path.open("xb", buffering=0) as file:
        for block in response.blocks():
            before, received = received, received + len(block)
            _require_size(received, policy.max_bytes)
            _require_rate(received, time.monotonic() - started, policy)
            write_all(file, block)
            digest.update(block)
            if before < check_after <= received:
                check(ongoing)
    return InputVersion(received, response.etag, response.modified, digest.hexdigest())


def _check_after(response: OriginResponse) -> float:
    """After how many bytes an input is checked early; infinity for one that has arrived by then."""
    head = HEAD_BYTES if response.supports_ranges else HEAD_BYTES_WITHOUT_RANGES
    return math.inf if response.total is not None and response.total < head + MIN_REMAINING_BYTES else head


def _sha256(response: OriginResponse, length: int) -> str:
    """The sha256 of the body, read no further than one block beyond `length`."""
    digest, received = hashlib.sha256(), 0
    for block in response.blocks():
        digest.update(block)
        if (received := received + len(block)) > length:
            break
    return digest.hexdigest()


def _require_rate(received: int, seconds: float, policy: FetchPolicy) -> None:
    if seconds > policy.grace_seconds and received < seconds * policy.min_bytes_per_second:
        raise errors.InputTimeout("The origin of the input sends too slowly.")


def _require_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise errors.InputTooLarge(f"The input is larger than the {max_bytes:,} bytes allowed.")
