"""A look at an input that is still arriving: what is here of it, and other parts where its origin sends them."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from penstock.domain import errors
from penstock.domain.addresses import parse_allowed
from penstock.storage.byte_ranges import read_range, version_of_whole
from penstock.storage.download import OngoingDownload
from penstock.storage.http_source import OriginClient
from penstock.storage.network import Deadline, GuardedBackend
from penstock.storage.partial_download import ByteRange, PartialFile, new_partial_file, with_offsets


@contextmanager
def partial_file_of_download(arriving: OngoingDownload, total: int, most: int, seconds: float) -> Iterator[PartialFile]:
    """The input as far as it has arrived, in a file of its own with holes; other parts are asked for apart, `most`
    bytes and `seconds` in all, and must be of the very version that arrives.

    The way raises `InputChanged` for those that are not, or where the origin sends no parts."""
    policy, allowed = arriving.policy, parse_allowed(arriving.policy.allow)
    guard = GuardedBackend(Deadline.of(seconds, arriving.stopped), allowed, policy.resolve)
    path = arriving.path.with_name(f"{arriving.path.name}.look")
    version = version_of_whole(arriving.answer, total)
    try:
        with httpcore.ConnectionPool(network_backend=guard) as pool:
            origins = OriginClient(pool, allowed, policy.redirects, (policy.connect_seconds, policy.read_seconds))

            def way(wanted: ByteRange) -> Iterator[tuple[int, bytes]]:
                if not arriving.answer.may_send_parts:
                    raise errors.InputChanged("The origin of the input sends no parts of it.")
                return with_offsets(wanted[0], read_range(origins, version, *wanted))

            parts = new_partial_file(path, total, most, way)
            parts.keep(0, arriving.path.read_bytes())
            yield parts
    finally:
        path.unlink(missing_ok=True)
