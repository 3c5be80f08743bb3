"""Requests to the origin of an input: every redirect is checked, every response validated."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpcore

from penstock import __version__
from penstock.domain import errors
from penstock.domain.web_addresses import AllowedAddresses, WebAddress, parse_address, parse_allowed
from penstock.storage.error_translation import translate_http_errors
from penstock.storage.guarded_connections import Deadline, GuardedBackend, Resolver, resolve_host
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.response_headers import (
    Headers,
    content_length,
    decode_headers,
    encode_headers,
    redirect_target,
    retry_after,
)

REDIRECTS = frozenset((301, 302, 303, 307, 308))
RETRYABLE = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How much an origin may send, and how long it may take.

    `total_seconds` limits every download; one of known size may take as long as it needs at `expected_bytes_per_second`
    if that is longer. `allow` lists private addresses that may be fetched: `host:port` or CIDR, comma-separated."""

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
        """How long a download of this many bytes may take."""
        return max(self.total_seconds, size / self.expected_bytes_per_second)

    @property
    def longest_seconds(self) -> float:
        """How long the download of the largest input may take."""
        return self.seconds_for(self.max_bytes)


@dataclass(frozen=True, slots=True)
class OriginResponse:
    """A successful response whose body has not been read. Its properties raise `InputUnreachable` for invalid
    headers."""

    address: WebAddress
    response: httpcore.Response

    @property
    def headers(self) -> Headers:
        return decoded_headers(self.response)

    @property
    def total(self) -> int | None:
        """The announced size in bytes."""
        return content_length(self.headers)

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def modified(self) -> str | None:
        return self.headers.get("last-modified")

    @property
    def supports_ranges(self) -> bool:
        """Whether the origin announces that it serves byte ranges."""
        return "bytes" in self.headers.get("accept-ranges", "").lower()

    @property
    def may_support_ranges(self) -> bool:
        """Whether the origin does not rule out byte ranges."""
        return self.supports_ranges or "accept-ranges" not in self.headers

    def blocks(self) -> Iterator[bytes]:
        """The body. Raises `InputTruncated` if it ends early."""
        return blocks_of(self.response)


@dataclass(frozen=True, slots=True)
class OriginClient:
    """An HTTP client for one input. All its requests share the deadline."""

    pool: httpcore.ConnectionPool
    allowed: AllowedAddresses
    policy: FetchPolicy
    deadline: Deadline

    @contextmanager
    def open(self, url: str, headers: Headers | None = None) -> Iterator[OriginResponse]:
        """The response after all redirects. With `headers` that ask for a range, 206 counts as success too.

        Raises `UrlForbidden`, `InputUnreachable`, `OriginUnavailable`, `InputTimeout`."""
        success = (200, 206) if headers else (200,)
        hops: list[WebAddress] = []
        while True:
            hops.append(self._next_hop(url, hops))
            with self.request(hops[-1], headers or {}) as response:
                if response.status not in REDIRECTS:
                    yield OriginResponse(hops[-1], require_success(response, success))
                    return
                url = redirect_target(url, decoded_headers(response))

    @contextmanager
    def request(self, address: WebAddress, headers: Headers) -> Iterator[httpcore.Response]:
        """The response of one address, whatever its status."""
        request = httpcore.Request(
            "GET",
            httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target),
            headers=encode_headers({**default_headers(address), **headers}),
            extensions={"timeout": self._timeouts},
        )
        with translate_http_errors():
            response = self.pool.handle_request(request)
        try:
            yield response
        finally:
            response.close()

    @property
    def _timeouts(self) -> dict[str, float]:
        return {
            "connect": self.policy.connect_seconds,
            "read": self.policy.read_seconds,
            "write": self.policy.read_seconds,
        }

    def _next_hop(self, url: str, hops: list[WebAddress]) -> WebAddress:
        address = parse_address(url, self.allowed)
        if address in hops:
            raise errors.InputUnreachable("The url redirects in a circle.")
        if len(hops) > self.policy.redirects:
            raise errors.InputUnreachable(f"The url redirects more than {self.policy.redirects} times.")
        if hops and hops[-1].scheme == "https" and address.scheme == "http":
            raise errors.UrlForbidden("The url redirects from https to http.", field="url")
        return address


@contextmanager
def origin_client(
    policy: FetchPolicy, seconds: float | None = None, is_stopped: IsStopped = never_stopped
) -> Iterator[OriginClient]:
    """A client whose requests end after `seconds` (default: the policy's) or once `is_stopped` returns true."""
    allowed = parse_allowed(policy.allow)
    deadline = Deadline.after(policy.total_seconds if seconds is None else seconds, is_stopped)
    with httpcore.ConnectionPool(network_backend=GuardedBackend(deadline, allowed, policy.resolve)) as pool:
        yield OriginClient(pool, allowed, policy, deadline)


def decoded_headers(response: httpcore.Response) -> Headers:
    return decode_headers(response.headers)


def blocks_of(response: httpcore.Response) -> Iterator[bytes]:
    """The body of a response. Raises `InputTruncated` if it ends early."""
    blocks = response.iter_stream()
    while (block := _next_block(blocks)) is not None:
        yield block


def require_success(response: httpcore.Response, success: Collection[int]) -> httpcore.Response:
    """The response. Raises `OriginUnavailable` or `InputUnreachable` unless its status is one of `success` and its body
    is not compressed."""
    status, headers = response.status, decoded_headers(response)
    if status >= 500 or status in RETRYABLE:
        raise errors.OriginUnavailable(
            f"The origin of the input answers {status}.", retry_after_seconds=retry_after(headers, datetime.now(UTC))
        )
    if status not in success:
        raise errors.InputUnreachable(f"The origin of the input answers {status}.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.InputUnreachable("The origin of the input compresses its response, although asked not to.")
    return response


def _next_block(blocks: Iterator[bytes]) -> bytes | None:
    try:
        with translate_http_errors():
            return next(blocks, None)
    except errors.OriginUnavailable as error:
        if isinstance(error.__cause__, httpcore.ProtocolError):
            message = "The input ended before all of it had arrived."
            raise errors.InputTruncated(message, detail=error.detail) from error.__cause__
        raise


def default_headers(address: WebAddress) -> Headers:
    return {
        "Host": address.authority,
        "User-Agent": f"penstock/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
