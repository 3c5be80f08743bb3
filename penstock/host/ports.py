"""Bind the port of a service before anything starts, so that a taken port is one clear error."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from penstock.domain.errors import Misconfigured

SEARCHED_PORTS = 100


class PortUnavailable(Misconfigured):
    """The message names the port and the option that chooses another."""


@dataclass(frozen=True, slots=True)
class BoundPort:
    """Bound sockets that do not listen yet: one for each address of the host."""

    sockets: tuple[socket.socket, ...]
    port: int

    def is_listening(self) -> bool:
        """Whether a process that has inherited the sockets listens on all of them."""
        return all(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for each in self.sockets)


@contextmanager
def bind_port(host: str, port: int, option: str) -> Iterator[BoundPort]:
    """Bind a port of every address of `host` until the block ends; 0 takes a free one.

    `option` is the command-line option that an error names. Raises `PortUnavailable`."""
    with ExitStack() as stack:
        try:
            bound = _bind_all(host, port, option, stack)
        except OSError as error:
            raise PortUnavailable(_message(error, host, port, option)) from error
        yield bound


def _bind_all(host: str, port: int, option: str, stack: ExitStack) -> BoundPort:
    """The port of every address of the host, until the stack is closed. Raises `OSError` if it cannot be bound."""
    sockets: list[socket.socket] = []
    for family, address in _addresses(host, option):
        each = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        _bind(each, (address, port))
        port = each.getsockname()[1]
        sockets.append(each)
    return BoundPort(tuple(sockets), port)


def local_url(host: str, port: int) -> str:
    """The http URL of a service of this machine: with an address of it if the service listens on all."""
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


def _addresses(host: str, option: str) -> list[tuple[int, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise PortUnavailable(_NO_HOST.format(host=host, option=option)) from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _bind(each: socket.socket, address: tuple[str, int]) -> None:
    """With the options that asyncio sets: reuse a port in TIME_WAIT, and keep IPv6 apart from IPv4."""
    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if each.family == socket.AF_INET6:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    each.bind(address)


def _message(error: OSError, host: str, port: int, option: str) -> str:
    default = "Port {port} of {host} cannot be used ({reason}); choose another with {option}."
    message = _MESSAGES.get(error.errno or 0, default)
    free = _free_port(host, port) if error.errno == errno.EADDRINUSE else None
    return message.format(host=host, port=port, option=option, reason=error.strerror, free=free)


def _free_port(host: str, taken: int) -> int:
    """The next port that is free on all addresses of the host; far from it, any."""
    for port in (*range(taken + 1, min(taken + SEARCHED_PORTS, 65_536)), 0):
        with suppress(PortUnavailable, OSError), ExitStack() as stack:
            return _bind_all(host, port, "", stack).port
    return 0


_NO_HOST = "{host} is not an address of this machine; choose another --host."
_MESSAGES = {
    errno.EADDRINUSE: "Port {port} of {host} is taken by another program; choose another: {option} {free} is free.",
    errno.EACCES: "Port {port} of {host} is not allowed for this user; choose another with {option}.",
    errno.EADDRNOTAVAIL: _NO_HOST,
}
