"""Network connections of downloads: to allowed addresses only, ended at the deadline or once the caller is stopped."""

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
from penstock.domain.web_addresses import AllowedAddresses, WebAddress, require_allowed

Resolver = Callable[[str, int], list[str]]
Result = TypeVar("Result")

# The errors of `getaddrinfo` for a name that does not exist or has no address, as far as the system has them.
_NO_SUCH_NAME = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)
POLL_SECONDS = 0.2
DEFAULT_TIMEOUT_SECONDS = 30.0


@dataclass(slots=True)
class Deadline:
    """The common deadline of several operations, on the monotonic clock. `is_stopped` ends them earlier."""

    started: float
    ends: float
    is_stopped: Callable[[], bool]

    @staticmethod
    def after(seconds: float, is_stopped: Callable[[], bool]) -> "Deadline":
        started = time.monotonic()
        return Deadline(started, started + seconds, is_stopped)

    def extend(self, seconds: float) -> None:
        """Move the deadline to `seconds` after the start, if that is later."""
        self.ends = max(self.ends, self.started + seconds)

    def wait(self, attempt: Callable[[float], Result], seconds: float) -> Result:
        """The result of `attempt(timeout)`, called again while it raises `TimeoutError`.

        Raises `InputTimeout` after `seconds` or at the deadline, `Cancelled` once stopped."""
        end = min(time.monotonic() + seconds, self.ends)
        while True:
            if self.is_stopped():
                raise errors.Cancelled("The task was cancelled.")
            left = end - time.monotonic()
            try:
                return attempt(max(min(left, POLL_SECONDS), 0.001))
            except TimeoutError as error:
                if left <= POLL_SECONDS:
                    raise errors.InputTimeout("The origin of the input took too long to answer.") from error


@dataclass(frozen=True, slots=True)
class GuardedBackend(httpcore.NetworkBackend):
    """httpcore's connections. If any address of a host is not allowed, none of them is connected to."""

    deadline: Deadline
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
        seconds = timeout or DEFAULT_TIMEOUT_SECONDS
        found = self._addresses(host, port, seconds)
        for ip in found:
            require_allowed(ip, WebAddress("http", host, port, "/"), self.allowed)
        return GuardedStream(_first_connection(found, port, self.deadline, seconds), self.deadline)

    def _addresses(self, host: str, port: int, seconds: float) -> list[str]:
        found = self.deadline.wait(_in_background(lambda: self.resolve(host, port)), seconds)
        if not found:
            raise _unknown_host(f"no address of {host}")
        return found


class GuardedStream(httpcore.NetworkStream):
    """A socket, plain or with TLS, whose operations all end at the deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._until_deadline(lambda: self._connection.recv(max_bytes), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            rest = rest[self._until_deadline(partial(self._connection.send, rest), timeout) :]

    def close(self) -> None:
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = ssl_context.wrap_socket(
            self._connection, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        stream = GuardedStream(secured, self._deadline)
        stream._until_deadline(secured.do_handshake, timeout)
        return stream

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object":
                return self._connection if isinstance(self._connection, ssl.SSLSocket) else None
            case "is_readable":
                return bool(_ready(self._connection, select.POLLIN, 0))
            case _:
                return None

    def _until_deadline(self, operation: Callable[[], Result], timeout: float | None) -> Result:
        def attempt(seconds: float) -> Result:
            self._connection.settimeout(seconds)
            return operation()

        try:
            return self._deadline.wait(attempt, timeout or DEFAULT_TIMEOUT_SECONDS)
        except OSError as error:
            self._connection.close()
            raise _input_error(error) from error


def resolve_host(host: str, port: int) -> list[str]:
    """The IP addresses of a host. Raises `InputUnreachable` if it has none, `OriginUnavailable` if the lookup fails."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except ValueError as error:  # not a valid host name: a label too long, an invalid character
        raise _unknown_host(str(error)) from error
    except OSError as error:
        if error.errno in _NO_SUCH_NAME:
            raise _unknown_host(str(error)) from error
        message = "The host of the input's address cannot be looked up at the moment."
        raise errors.OriginUnavailable(message, detail=str(error)) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _unknown_host(detail: str) -> errors.InputUnreachable:
    return errors.InputUnreachable(
        "The host of the input's address cannot be found; check its spelling.", detail=detail
    )


def _first_connection(addresses: list[str], port: int, deadline: Deadline, seconds: float) -> socket.socket:
    """A connection to the first address that accepts one. Raises the error of the last address if none does."""
    for ip in addresses[:-1]:
        try:
            return _connected(ip, port, deadline, seconds)
        except (errors.OriginUnavailable, errors.InputTimeout):
            continue
    return _connected(addresses[-1], port, deadline, seconds)


def _connected(ip: str, port: int, deadline: Deadline, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(0)
        _start_connect(connection, ip, port)
        deadline.wait(lambda timeout: _finish_connect(connection, timeout), seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        connection.close()
        raise _input_error(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _start_connect(connection: socket.socket, ip: str, port: int) -> None:
    if (code := connection.connect_ex((ip, port))) not in (0, errno.EINPROGRESS):
        raise OSError(code, "connect")


def _finish_connect(connection: socket.socket, seconds: float) -> None:
    if not _ready(connection, select.POLLOUT, seconds):
        raise TimeoutError
    if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, "connect")


def _ready(connection: socket.socket, events: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, events)
    return bool(poll.poll(seconds * 1000))


def _in_background(operation: Callable[[], Result]) -> Callable[[float], Result]:
    """An attempt at an operation without a timeout, in a thread that is abandoned at the deadline."""
    outcome: Future[Result] = Future()

    def work() -> None:
        try:
            outcome.set_result(operation())
        except errors.MediaError as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name="resolver", daemon=True).start()
    return outcome.result


def _input_error(error: OSError) -> errors.InputError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return errors.InputUnreachable("The certificate of the input's origin is not trusted.", detail=str(error))
    return errors.OriginUnavailable("The origin of the input cannot be reached.", detail=repr(error))
