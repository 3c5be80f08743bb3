"""Connections of a download: to addresses that were checked, not beyond its deadline, ended once it is stopped."""

import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpcore

from penstock.domain import errors
from penstock.domain.addresses import AllowedAddresses, WebAddress, require_allowed

Resolver = Callable[[str, int], list[str]]
Result = TypeVar("Result")

# What `getaddrinfo` says of a name that does not exist, or has no address; where the system knows the word.
_NO_SUCH_NAME = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)
GLANCE_SECONDS = 0.2
LONGEST_TURN = 30.0


@dataclass(slots=True)
class Deadline:
    """How long to wait: for one answer, for all of them, and not at all once `stopped` says so."""

    began: float
    deadline: float
    stopped: Callable[[], bool]

    @staticmethod
    def of(seconds: float, stopped: Callable[[], bool]) -> "Deadline":
        began = time.monotonic()
        return Deadline(began, began + seconds, stopped)

    def extend(self, seconds: float) -> None:
        """Wait so long from the beginning, if that is longer: what comes turned out to be much."""
        self.deadline = max(self.deadline, self.began + seconds)

    def wait(self, attempt: Callable[[float], Result], seconds: float) -> Result:
        """The result of `attempt`, which waits as long as it is told and then raises `TimeoutError`."""
        end = min(time.monotonic() + seconds, self.deadline)
        while True:
            if self.stopped():
                raise errors.Cancelled("The task was cancelled.")
            left = end - time.monotonic()
            try:
                return attempt(max(min(left, GLANCE_SECONDS), 0.001))
            except TimeoutError as late:
                if left <= GLANCE_SECONDS:
                    raise errors.InputTimeout("The origin of the input took too long to answer.") from late


@dataclass(frozen=True, slots=True)
class GuardedBackend(httpcore.NetworkBackend):
    """The way out. Every address that a name stands for must be admitted, else none of them is asked."""

    patience: Deadline
    allowed: AllowedAddresses
    resolve: Resolver

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 (the signature is httpcore's)
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        seconds = timeout or LONGEST_TURN
        found = self._addresses(host, port, seconds)
        for ip in found:
            require_allowed(ip, WebAddress("http", host, port, "/"), self.allowed)
        return GuardedStream(_first_connection(found, port, self.patience, seconds), self.patience)

    def _addresses(self, host: str, port: int, seconds: float) -> list[str]:
        found = self.patience.wait(_in_background(lambda: self.resolve(host, port)), seconds)
        if not found:
            raise _unknown(f"no address of {host}")
        return found


class GuardedStream(httpcore.NetworkStream):
    """A socket, plain or under TLS, whose every wait is a patient one."""

    def __init__(self, connection: socket.socket, patience: Deadline) -> None:
        self._connection = connection
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._patiently(lambda: self._connection.recv(max_bytes), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            rest = rest[self._patiently(partial(self._connection.send, rest), timeout) :]

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = ssl_context.wrap_socket(
            self._connection, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        stream = GuardedStream(secured, self._patience)
        stream._patiently(secured.do_handshake, timeout)
        return stream

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object":
                return self._connection if isinstance(self._connection, ssl.SSLSocket) else None
            case "is_readable":
                return bool(_ready(self._connection, select.POLLIN, 0))
            case _:
                return None

    def _patiently(self, act: Callable[[], Result], timeout: float | None) -> Result:
        def attempt(seconds: float) -> Result:
            self._connection.settimeout(seconds)
            return act()

        try:
            return self._patience.wait(attempt, timeout or LONGEST_TURN)
        except OSError as fault:
            self._connection.close()
            raise _told(fault) from fault


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine sees it. Raises `InputUnreachable` for a name that has none, and
    `OriginUnavailable` where nobody can tell now."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except ValueError as fault:  # no name at all: a label too long, a character that no name has
        raise _unknown(str(fault)) from fault
    except OSError as fault:
        if fault.errno in _NO_SUCH_NAME:
            raise _unknown(str(fault)) from fault
        raise errors.OriginUnavailable(
            "The host of the input's address cannot be looked up at the moment.", detail=str(fault)
        ) from fault
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _unknown(detail: str) -> errors.InputUnreachable:
    return errors.InputUnreachable(
        "The host of the input's address cannot be found; check how it is written.", detail=detail
    )


def _first_connection(addresses: list[str], port: int, patience: Deadline, seconds: float) -> socket.socket:
    """A connection to the first address that answers; the last one's error if none does."""
    for ip in addresses[:-1]:
        try:
            return _connected(ip, port, patience, seconds)
        except (errors.OriginUnavailable, errors.InputTimeout):
            continue
    return _connected(addresses[-1], port, patience, seconds)


def _connected(ip: str, port: int, patience: Deadline, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(0)
        _start(connection, ip, port)
        patience.wait(lambda turn: _settled(connection, turn), seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as fault:
        connection.close()
        raise _told(fault) from fault
    except BaseException:
        connection.close()
        raise
    return connection


def _start(connection: socket.socket, ip: str, port: int) -> None:
    if (code := connection.connect_ex((ip, port))) not in (0, errno.EINPROGRESS):
        raise OSError(code, "connect")


def _settled(connection: socket.socket, seconds: float) -> None:
    if not _ready(connection, select.POLLOUT, seconds):
        raise TimeoutError
    if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, "connect")


def _ready(connection: socket.socket, events: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, events)
    return bool(poll.poll(seconds * 1000))


def _in_background(act: Callable[[], Result]) -> Callable[[float], Result]:
    """An attempt at what cannot be given a deadline: its thread is left alone when nobody waits any more."""
    outcome: Future[Result] = Future()

    def work() -> None:
        try:
            outcome.set_result(act())
        except errors.MediaError as fault:
            outcome.set_exception(fault)

    threading.Thread(target=work, name="resolver", daemon=True).start()
    return outcome.result


def _told(fault: OSError) -> errors.InputError:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return errors.InputUnreachable("The certificate of the input's origin is not to be trusted.", detail=str(fault))
    return errors.OriginUnavailable("The origin of the input cannot be reached.", detail=repr(fault))
