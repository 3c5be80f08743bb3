"""The port that a service is to listen on: taken before anything starts, or refused in a sentence."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from penstock.domain.errors import Misconfigured


class PortUnavailable(Misconfigured):
    """The message names the port, and the option that chooses another."""


@dataclass(frozen=True, slots=True)
class BoundPort:
    """Sockets that have a port, one for each address of a host, and do not listen yet."""

    sockets: tuple[socket.socket, ...]
    port: int

    def served(self) -> bool:
        """Whether a process that has inherited the sockets listens on them: then who answers there is that one."""
        return all(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for each in self.sockets)


@contextmanager
def bind_port(host: str, port: int, option: str) -> Iterator[BoundPort]:
    """The port of this host, ours until the block ends; 0 is any free one. Raises `PortUnusable`."""
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, address in _addresses(host, option):
            fresh = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
            try:
                _bind(fresh, (address, port))
            except OSError as fault:
                raise PortUnavailable(_sentence(fault, host, port, option)) from fault
            port = fresh.getsockname()[1]
            sockets.append(fresh)
        yield BoundPort(tuple(sockets), port)


def _addresses(host: str, option: str) -> list[tuple[int, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as fault:
        raise PortUnavailable(_NO_HOST.format(host=host, option=option)) from fault
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _bind(fresh: socket.socket, place: tuple[str, int]) -> None:
    """As asyncio does: a port whose last connections are dying may be had again, and IPv6 is not IPv4 as well."""
    fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if fresh.family == socket.AF_INET6:
        fresh.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    fresh.bind(place)


def _sentence(fault: OSError, host: str, port: int, option: str) -> str:
    told = _FAULTS.get(fault.errno or 0, "Port {port} of {host} cannot be used ({why}); choose another with {option}.")
    return told.format(host=host, port=port, option=option, why=fault.strerror)


_NO_HOST = "{host} is not an address of this machine; choose another --host."
_FAULTS = {
    errno.EADDRINUSE: "Port {port} of {host} is taken by another program; choose another with {option}, 0 for any.",
    errno.EACCES: "Port {port} of {host} is not allowed for this user; choose another with {option}.",
    errno.EADDRNOTAVAIL: _NO_HOST,
}
