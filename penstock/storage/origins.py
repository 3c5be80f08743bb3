"""Asking an origin for a file: redirects followed by hand, every hop checked, every answer judged."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import httpcore

from penstock import __version__
from penstock.domain import errors
from penstock.domain.addresses import Allowed, WebAddress, read_address

Headers = dict[str, str]

REDIRECTS = frozenset((301, 302, 303, 307, 308))
WORTH_ANOTHER_TRY = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class Answer:
    """An origin's good answer, its body still to come. `total` is the size that it announces."""

    address: WebAddress
    response: httpcore.Response

    @property
    def headers(self) -> Headers:
        return headers_of(self.response)

    @property
    def total(self) -> int | None:
        announced = self.headers.get("content-length")
        return None if announced is None else int(announced)

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    def blocks(self) -> Iterator[bytes]:
        """The body as it comes; a body that ends before it should is `InputTruncated`."""
        return blocks_of(self.response)


@dataclass(frozen=True, slots=True)
class Origins:
    """The way to ask. `seconds` is how long to wait for a connection, and for each word after it."""

    pool: httpcore.ConnectionPool
    allowed: Allowed
    redirects: int
    seconds: tuple[float, float]

    @contextmanager
    def answer(self, url: str, headers: Headers | None = None) -> Iterator[Answer]:
        """The answer at the end of all redirects; 206 is a good one where `headers` ask for a part."""
        good = (200, 206) if headers else (200,)
        hops: list[WebAddress] = []
        while True:
            hops.append(self._next_hop(url, hops))
            with self.asked(hops[-1], headers or {}) as response:
                if response.status not in REDIRECTS:
                    yield Answer(hops[-1], required_good(response, good))
                    return
                url = urljoin(url, headers_of(response).get("location", ""))

    @contextmanager
    def asked(self, address: WebAddress, headers: Headers) -> Iterator[httpcore.Response]:
        """The response of one address, whatever it says."""
        request = httpcore.Request(
            "GET",
            httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.target),
            headers=list({**_standing(address), **headers}.items()),
            extensions={"timeout": self._timeouts},
        )
        response = self._send(request)
        try:
            yield response
        finally:
            response.close()

    @property
    def _timeouts(self) -> dict[str, float]:
        connect, read = self.seconds
        return {"connect": connect, "read": read, "write": read}

    def _next_hop(self, url: str, hops: list[WebAddress]) -> WebAddress:
        address = read_address(url, self.allowed)
        if address in hops:
            raise errors.InputUnreachable("The url redirects in a circle.")
        if len(hops) > self.redirects:
            raise errors.InputUnreachable(f"The url redirects more than {self.redirects} times.")
        if hops and hops[-1].scheme == "https" and address.scheme == "http":
            raise errors.UrlForbidden("The url redirects from https to http.", field="url")
        return address

    def _send(self, request: httpcore.Request) -> httpcore.Response:
        try:
            return self.pool.handle_request(request)
        except (httpcore.ProtocolError, httpcore.NetworkError) as fault:
            raise errors.OriginUnavailable(
                "The origin of the input does not speak HTTP.", detail=repr(fault)
            ) from fault


def headers_of(response: httpcore.Response) -> Headers:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}


def blocks_of(response: httpcore.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_stream()
    except httpcore.ProtocolError as fault:
        raise errors.InputTruncated("The input ended before all of it had arrived.", detail=str(fault)) from fault


def _standing(address: WebAddress) -> Headers:
    return {
        "Host": address.authority,
        "User-Agent": f"penstock/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


def required_good(response: httpcore.Response, good: Collection[int]) -> httpcore.Response:
    """The response, if its status is a good one and its body comes as it is."""
    status, headers = response.status, headers_of(response)
    if status >= 500 or status in WORTH_ANOTHER_TRY:
        raise errors.OriginUnavailable(
            f"The origin of the input answers {status}.", detail=f"Retry-After: {headers.get('retry-after')}"
        )
    if status not in good:
        raise errors.InputUnreachable(f"The origin of the input answers {status}.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.InputUnreachable("The origin of the input sends it compressed, unasked.")
    return response
