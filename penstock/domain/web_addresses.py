"""Which URLs may be fetched: http(s), without credentials, to public addresses only.

Here URLs are checked as written. `penstock.storage.guarded_connections` checks what their hosts resolve to."""

import ipaddress
import re
import string
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from penstock.domain import errors

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL_CHARACTERS = 2048
DEFAULT_PORTS = {"http": 80, "https": 443}

# Networks that `is_global` allows although they are private, unused or multicast in some setting.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's internal DNS, health and instance secrets
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)(\d+|0[xX][0-9a-fA-F]*)\.?$")
_ALLOW_SYNTAX = "must be host:port or a network like 10.0.0.0/8, separated by commas: not {}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A parsed http(s) URL. `host` is ASCII; `target` is path and query as sent in the request line."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as in the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """The private addresses that the operator allows: pairs of host and port, and networks."""

    hosts: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    def includes(self, ip: str, host: str, port: int) -> bool:
        return (host, port) in self.hosts or any(ipaddress.ip_address(ip) in network for network in self.networks)


def parse_allowed(text: str) -> AllowedAddresses:
    """Parse the setting `fetch_allow`: `host:port` or CIDR, comma-separated. Raises `ValueError`."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return AllowedAddresses(
        frozenset(_host_and_port(entry) for entry in entries if "/" not in entry),
        tuple(_network(entry) for entry in entries if "/" in entry),
    )


def quoted(text: str) -> str:
    """A setting's value for an error message: quoted unless it is plain text, and at most 80 characters."""
    return text if text.isprintable() and text.strip() == text and 0 < len(text) <= 80 else repr(text[:80])


def _host_and_port(entry: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{entry}")
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host) or not port or "@" in entry:
        raise ValueError(_ALLOW_SYNTAX.format(quoted(entry)))
    return host, port


def _network(entry: str) -> Network:
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(_ALLOW_SYNTAX.format(quoted(entry))) from None
    raise ValueError(f"must name a network by its first address: {network}, not {quoted(entry)}")


def is_public(ip: str) -> bool:
    """Whether an IP address is public and unicast."""
    address = ipaddress.ip_address(ip)
    if address.version == 6 and (address not in _GLOBAL_UNICAST or address.scope_id):
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def parse_address(url: str, allowed: AllowedAddresses) -> WebAddress:
    """The parsed URL. Raises `UrlForbidden`."""
    address = _split_url(url)
    if (address.host, address.port) in allowed.hosts:
        return address
    _require_allowed_port(address.port)
    if (ip := _ip_literal(address.host)) is not None:
        require_allowed(ip, address, allowed)
    return address


def require_allowed(ip: str, address: WebAddress, allowed: AllowedAddresses) -> None:
    if not is_public(ip) and not allowed.includes(ip, address.host, address.port):
        raise errors.UrlForbidden("The url must lead to a public address.", field="url", detail=f"{address.host}: {ip}")


def _split_url(url: str) -> WebAddress:
    if len(url) > MAX_URL_CHARACTERS or _UNPRINTABLE.search(url):
        raise _forbidden(f"of at most {MAX_URL_CHARACTERS:,} characters, without spaces and backslashes")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError as error:
        raise _forbidden("that can be parsed") from error
    if parts.scheme not in DEFAULT_PORTS or not host or ("[" in parts.netloc and ":" not in host):
        raise _forbidden("with a host")
    if "@" in parts.netloc:
        raise _forbidden("without a user name and password")
    return WebAddress(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port, _target(url))


def _target(url: str) -> str:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return quote(target, safe=string.punctuation)  # a signed URL must be sent as it was signed


def _require_allowed_port(port: int) -> None:
    if port < 1024 and port not in DEFAULT_PORTS.values():
        raise _forbidden("on port 80, 443 or one of at least 1024")


def _ip_literal(host: str) -> str | None:
    """The host as an IP address; None if it is a name. Rejects numbers that only some programs read as addresses."""
    if host.rstrip(".").rpartition(".")[2] == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if _ENDS_IN_A_NUMBER.search(host):
            raise _forbidden("with a name or a plain IP address as host") from None
        return None


def _forbidden(requirement: str) -> errors.UrlForbidden:
    return errors.UrlForbidden(f"The url must be an http(s) address {requirement}.", field="url")
