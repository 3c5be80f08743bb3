"""Whether what is at an address is still what was fetched from there."""

import hashlib
from collections.abc import Iterator

import httpcore

from penstock.domain.addresses import parse_allowed
from penstock.domain.task import InputVersion
from penstock.storage.download import FetchPolicy
from penstock.storage.http_source import OriginClient, OriginResponse
from penstock.storage.interruptible import never_stopped
from penstock.storage.network import Deadline, GuardedBackend


def is_unchanged(url: str, known: InputVersion, policy: FetchPolicy) -> bool:
    """Asks the origin. Where it tells its versions apart nothing is read but its headers; else everything is, and
    kept nowhere. Raises what a download does."""
    allowed = parse_allowed(policy.allow)
    guard = GuardedBackend(Deadline.of(policy.total_seconds, never_stopped), allowed, policy.resolve)
    with httpcore.ConnectionPool(network_backend=guard) as pool:
        origins = OriginClient(pool, allowed, policy.redirects, (policy.connect_seconds, policy.read_seconds))
        with origins.answer(url) as answer:
            if answer.total not in (None, known.length):
                return False
            if known.etag or answer.etag:
                return known.etag == answer.etag
            if known.modified or answer.modified:
                return known.modified == answer.modified
            guard.patience.extend(policy.seconds_for(known.length))
            return _digest(answer, known.length) == known.sha256


def _digest(answer: OriginResponse, length: int) -> str:
    """Of the bytes as far as they can be the same: what comes after is not read."""
    digest = hashlib.sha256()
    for block in _first(answer.blocks(), length + 1):
        digest.update(block)
    return digest.hexdigest()


def _first(blocks: Iterator[bytes], length: int) -> Iterator[bytes]:
    """The blocks up to the one that makes them so long."""
    arrived = 0
    for block in blocks:
        yield block
        if (arrived := arrived + len(block)) >= length:
            return
