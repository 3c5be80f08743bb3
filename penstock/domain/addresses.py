"""Which addresses may be asked for: http(s), no secrets in the host part, and nothing that is not public.

Names are judged by what they resolve to (`penstock.storage.network`); here they are judged by how they are written."""

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

# What `is_global` lets through although it leads inwards, nowhere, or to many.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",  # Azure's: DNS, health and the secrets of the machine, at an address that looks public
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
_NO_PLACE = "must be host:port or a network like 10.0.0.0/8, separated by commas: not {}"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http(s) address, taken apart. `host` is ASCII; `target` is path and query, ready to send."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as a `Host` header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """What an operator lets pass although it is not public."""

    places: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    def admits(self, ip: str, host: str, port: int) -> bool:
        return (host, port) in self.places or any(ipaddress.ip_address(ip) in network for network in self.networks)


def parse_allowed(text: str) -> AllowedAddresses:
    """The setting `fetch_allow`: `host:port` or CIDR, separated by commas. Raises `ValueError` for anything else."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    return AllowedAddresses(
        frozenset(_place(entry) for entry in entries if "/" not in entry),
        tuple(_network(entry) for entry in entries if "/" in entry),
    )


def quoted(text: str) -> str:
    """A setting's value as a sentence can hold it: in quotes, unless it is plain, and not longer than a line."""
    return text if text.isprintable() and text.strip() == text and 0 < len(text) <= 80 else repr(text[:80])


def _place(entry: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{entry}")
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError:
        host, port = "", None
    if not _HOST.fullmatch(host) or not port or "@" in entry:
        raise ValueError(_NO_PLACE.format(quoted(entry)))
    return host, port


def _network(entry: str) -> Network:
    try:
        return ipaddress.ip_network(entry)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(_NO_PLACE.format(quoted(entry))) from None
    raise ValueError(f"must name a network by its first address: {meant}, not {quoted(entry)}")


def is_public(ip: str) -> bool:
    """Whether an address is one of the open internet, for one receiver."""
    address = ipaddress.ip_address(ip)
    if address.version == 6 and (address not in _GLOBAL_UNICAST or address.scope_id):
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def parse_address(url: str, allowed: AllowedAddresses) -> WebAddress:
    """Take an address apart, or raise `UrlForbidden`."""
    address = _taken_apart(url)
    if (address.host, address.port) in allowed.places:
        return address
    _require_usual_port(address.port)
    if (ip := _literal(address.host)) is not None:
        require_allowed(ip, address, allowed)
    return address


def require_allowed(ip: str, address: WebAddress, allowed: AllowedAddresses) -> None:
    if not is_public(ip) and not allowed.admits(ip, address.host, address.port):
        raise errors.UrlForbidden("The url must lead to a public address.", field="url", detail=f"{address.host}: {ip}")


def _taken_apart(url: str) -> WebAddress:
    if len(url) > MAX_URL_CHARACTERS or _UNPRINTABLE.search(url):
        raise _forbidden(f"of at most {MAX_URL_CHARACTERS:,} characters, without spaces and backslashes")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError as fault:
        raise _forbidden("that can be read") from fault
    if parts.scheme not in DEFAULT_PORTS or not host or ("[" in parts.netloc and ":" not in host):
        raise _forbidden("with a host")
    if "@" in parts.netloc:
        raise _forbidden("without a user name and password")
    return WebAddress(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port, _target(url))


def _target(url: str) -> str:
    parts = urlsplit(url)
    asked = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return quote(asked, safe=string.punctuation)  # a signed address must arrive as it was signed


def _require_usual_port(port: int) -> None:
    if port < 1024 and port not in DEFAULT_PORTS.values():
        raise _forbidden("on port 80, 443 or one of at least 1024")


def _literal(host: str) -> str | None:
    """The host as an IP address, None if it is a name. Numbers that only some programs read as one are refused."""
    if host.rstrip(".").rpartition(".")[2] == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if _ENDS_IN_A_NUMBER.search(host):
            raise _forbidden("with a name or a plain IP address as host") from None
        return None


def _forbidden(what: str) -> errors.UrlForbidden:
    return errors.UrlForbidden(f"The url must be an http(s) address {what}.", field="url")
