"""Asking an origin for a file: redirects followed by hand, every hop checked, every answer judged."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpcore

from penstock import __version__
from penstock.domain import errors
from penstock.domain.addresses import AllowedAddresses, WebAddress, parse_address
from penstock.storage.foreign_errors import translate_http_errors
from penstock.storage.response_headers import (
    Headers,
    content_length,
    decode_headers,
    encode_headers,
    redirect_target,
    retry_after,
)

REDIRECTS = frozenset((301, 302, 303, 307, 308))
WORTH_ANOTHER_TRY = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class OriginResponse:
    """An origin's good answer, its body still to come. `total` is the size that it announces.

    Reading it raises `InputUnreachable` for one that cannot be."""

    address: WebAddress
    response: httpcore.Response

    @property
    def headers(self) -> Headers:
        return decoded_headers(self.response)

    @property
    def total(self) -> int | None:
        return content_length(self.headers)

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def modified(self) -> str | None:
        return self.headers.get("last-modified")

    @property
    def sends_parts(self) -> bool:
        """Whether the origin says that it sends parts of this."""
        return "bytes" in self.headers.get("accept-ranges", "").lower()

    @property
    def may_send_parts(self) -> bool:
        """Whether it says nothing against it."""
        return self.sends_parts or "accept-ranges" not in self.headers

    def blocks(self) -> Iterator[bytes]:
        """The body as it comes; a body that ends before it should is `InputTruncated`."""
        return blocks_of(self.response)


@dataclass(frozen=True, slots=True)
class OriginClient:
    """The way to ask. `seconds` is how long to wait for a connection, and for each word after it."""

    pool: httpcore.ConnectionPool
    allowed: AllowedAddresses
    redirects: int
    seconds: tuple[float, float]

    @contextmanager
    def answer(self, url: str, headers: Headers | None = None) -> Iterator[OriginResponse]:
        """The answer at the end of all redirects; 206 is a good one where `headers` ask for a part."""
        good = (200, 206) if headers else (200,)
        hops: list[WebAddress] = []
        while True:
            hops.append(self._next_hop(url, hops))
            with self.asked(hops[-1], headers or {}) as response:
                if response.status not in REDIRECTS:
                    yield OriginResponse(hops[-1], require_success(response, good))
                    return
                url = redirect_target(url, decoded_headers(response))

    @contextmanager
    def asked(self, address: WebAddress, headers: Headers) -> Iterator[httpcore.Response]:
        """The response of one address, whatever it says."""
        request = httpcore.Request(
            "GET",
            httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target),
            headers=encode_headers({**_standing(address), **headers}),
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
        connect, read = self.seconds
        return {"connect": connect, "read": read, "write": read}

    def _next_hop(self, url: str, hops: list[WebAddress]) -> WebAddress:
        address = parse_address(url, self.allowed)
        if address in hops:
            raise errors.InputUnreachable("The url redirects in a circle.")
        if len(hops) > self.redirects:
            raise errors.InputUnreachable(f"The url redirects more than {self.redirects} times.")
        if hops and hops[-1].scheme == "https" and address.scheme == "http":
            raise errors.UrlForbidden("The url redirects from https to http.", field="url")
        return address


def decoded_headers(response: httpcore.Response) -> Headers:
    return decode_headers(response.headers)


def blocks_of(response: httpcore.Response) -> Iterator[bytes]:
    """The body as it comes; one that ends before it should is `InputTruncated`."""
    blocks = response.iter_stream()
    while (block := _next_block(blocks)) is not None:
        yield block


def _next_block(blocks: Iterator[bytes]) -> bytes | None:
    try:
        with translate_http_errors():
            return next(blocks, None)
    except errors.OriginUnavailable as fault:
        if isinstance(fault.__cause__, httpcore.ProtocolError):
            raise errors.InputTruncated(
                "The input ended before all of it had arrived.", detail=fault.detail
            ) from fault.__cause__
        raise


def _standing(address: WebAddress) -> Headers:
    return {
        "Host": address.authority,
        "User-Agent": f"penstock/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


def require_success(response: httpcore.Response, good: Collection[int]) -> httpcore.Response:
    """The response, if its status is a good one and its body comes as it is."""
    status, headers = response.status, decoded_headers(response)
    if status >= 500 or status in WORTH_ANOTHER_TRY:
        raise errors.OriginUnavailable(
            f"The origin of the input answers {status}.", retry_after_seconds=retry_after(headers, datetime.now(UTC))
        )
    if status not in good:
        raise errors.InputUnreachable(f"The origin of the input answers {status}.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.InputUnreachable("The origin of the input sends it compressed, unasked.")
    return response
