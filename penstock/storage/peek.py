"""A look at an input that is still arriving: what is here of it, and other parts where its origin sends them."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from penstock.domain import errors
from penstock.domain.addresses import read_allowed
from penstock.storage.byte_ranges import part_of, version_of_whole
from penstock.storage.download import Arriving
from penstock.storage.http_source import Origins
from penstock.storage.network import Guard, Patience
from penstock.storage.partial_download import Parts, Stretch, blank, placed


@contextmanager
def parts_of_arriving(arriving: Arriving, total: int, most: int, seconds: float) -> Iterator[Parts]:
    """The input as far as it has arrived, in a file of its own with holes; other parts are asked for apart, `most`
    bytes and `seconds` in all, and must be of the very version that arrives.

    The way raises `InputChanged` for those that are not, or where the origin sends no parts."""
    policy, allowed = arriving.policy, read_allowed(arriving.policy.allow)
    guard = Guard(Patience.of(seconds, arriving.stopped), allowed, policy.resolve)
    path = arriving.path.with_name(f"{arriving.path.name}.look")
    version = version_of_whole(arriving.answer, total)
    try:
        with httpcore.ConnectionPool(network_backend=guard) as pool:
            origins = Origins(pool, allowed, policy.redirects, (policy.connect_seconds, policy.read_seconds))

            def way(wanted: Stretch) -> Iterator[tuple[int, bytes]]:
                if not arriving.answer.may_send_parts:
                    raise errors.InputChanged("The origin of the input sends no parts of it.")
                return placed(wanted[0], part_of(origins, version, *wanted))

            parts = blank(path, total, most, way)
            parts.keep(0, arriving.path.read_bytes())
            yield parts
    finally:
        path.unlink(missing_ok=True)
