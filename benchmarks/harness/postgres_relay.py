"""A TCP relay before PostgreSQL that can lose the reply to a commit: the server has done it, and the client never hears
of it, as when the network breaks or the host of the server dies at that moment."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BLOCK_BYTES = 65_536
# Types of messages of PostgreSQL's protocol. Of the server: a command has ended, and it is ready for the next one.
COMPLETE, READY = b"C", b"Z"
OUTSIDE_TRANSACTION = b"I"
HEAD_BYTES = 5


@dataclass(eq=False)
class PostgresRelay:
    """Forwards connections to the server of this socket, until a reply is to be lost."""

    server: Path
    port: int
    _wanted: bytes | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, database: str) -> str:
        return f"postgresql://penstock@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def lose_reply(self, statement: str) -> None:
        """Lose the reply to the next commit of a transaction with a statement that contains this text."""
        with self._lock:
            self._wanted = statement.encode()

    @property
    def is_waiting(self) -> bool:
        """Whether the reply that is to be lost has not come yet."""
        return self._wanted is not None

    def takes(self, statements: bytes) -> bool:
        """Whether the reply to a commit of these statements is the one to lose; it is lost once."""
        with self._lock:
            is_wanted = self._wanted is not None and self._wanted in statements
            if is_wanted:
                self._wanted = None
            return is_wanted


@contextmanager
def postgres_relay(server: Path) -> Iterator[PostgresRelay]:
    """A relay on a free port of loopback to the server with this Unix socket, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay = PostgresRelay(server, listening.getsockname()[1])
        threading.Thread(target=_accept, args=(listening, relay), daemon=True).start()
        try:
            yield relay
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, relay: PostgresRelay) -> None:
    with suppress(OSError):  # closed by the end of the block
        while True:
            client, _ = listening.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Session(relay, client).start()


class _Session:
    """One connection. `_statements` is what the client has sent in its present transaction."""

    def __init__(self, relay: PostgresRelay, client: socket.socket) -> None:
        self._relay, self._client = relay, client
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._statements = b""
        self._prepared: dict[bytes, bytes] = {}

    def start(self) -> None:
        try:
            self._server.connect(str(self._relay.server))
        except OSError:
            self._client.close()
            return
        for forward in (self._requests, self._replies):
            threading.Thread(target=forward, daemon=True).start()

    def _requests(self) -> None:
        """The first message, of the start, has no type."""
        with suppress(OSError):
            size = self._client.recv(4, socket.MSG_WAITALL)
            self._server.sendall(size + self._client.recv(int.from_bytes(size) - 4, socket.MSG_WAITALL))
            for kind, message in _messages(self._client):
                self._note(kind, message[HEAD_BYTES:])
                self._server.sendall(message)
        self._end()

    def _note(self, kind: bytes, body: bytes) -> None:
        match kind:
            case b"Q":  # a query as text
                self._statements += body
            case b"P":  # the text of a statement, with a name
                name, statement, _ = body.split(b"\0", 2)
                self._prepared[name] = statement
            case b"B":  # its execution
                name = body.split(b"\0", 2)[1]
                self._statements += self._prepared.get(name, b"")

    def _replies(self) -> None:
        """The end of a command is held until it is known whether a transaction has ended with it."""
        held = b""
        with suppress(OSError):
            for kind, message in _messages(self._server):
                held += message
                if kind == COMPLETE:
                    continue
                if kind == READY and message[HEAD_BYTES:] == OUTSIDE_TRANSACTION:
                    is_commit = held.startswith(COMPLETE) and not held[HEAD_BYTES:].startswith(b"ROLLBACK")
                    if is_commit and self._relay.takes(self._statements):
                        break
                    self._statements = b""
                self._client.sendall(held)
                held = b""
        self._end()

    def _end(self) -> None:
        for side in (self._client, self._server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


def _messages(sender: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Type and bytes of each message, whole, until the connection ends."""
    waiting = b""
    while received := sender.recv(BLOCK_BYTES):
        waiting += received
        while len(waiting) >= HEAD_BYTES and len(waiting) > (size := int.from_bytes(waiting[1:5])):
            yield waiting[:1], waiting[: size + 1]
            waiting = waiting[size + 1 :]
