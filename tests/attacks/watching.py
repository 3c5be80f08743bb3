"""Notes which files are opened, by whichever process, and who connects to a port of this machine."""

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_OPEN, _IN_NONBLOCK = 0x20, 0x800
_EVENT = struct.Struct("iIII")


class Opened:
    """The names of these files that have been opened since it was last asked (inotify(7): a refused open is none)."""

    def __init__(self, descriptor: int, names: dict[int, str]) -> None:
        self._descriptor, self._names = descriptor, names

    def __call__(self) -> set[str]:
        try:
            read = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return set()
        place, found = 0, set()
        while place < len(read):
            watch, _, _, length = _EVENT.unpack_from(read, place)
            found.add(self._names[watch])
            place += _EVENT.size + length
        return found


@contextmanager
def opened(paths: Iterable[Path]) -> Iterator[Opened]:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_IN_NONBLOCK)
    try:
        names = {libc.inotify_add_watch(descriptor, os.fsencode(path), _IN_OPEN): str(path) for path in paths}
        assert descriptor >= 0
        assert min(names) > 0
        yield Opened(descriptor, names)
    finally:
        os.close(descriptor)


class Listener:
    """A port that waits for connections, and answers none."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def connected(self) -> bool:
        """Whether somebody has connected since it was last asked."""
        found = False
        while True:
            try:
                self._socket.accept()[0].close()
                found = True
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()
