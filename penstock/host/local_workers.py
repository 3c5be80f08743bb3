"""The workers of a home on this machine, so that one of them can be told to drain. Each holds a lock on a file."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.domain.errors import Misconfigured
from penstock.host.private_files import open_private

# Tells a worker to end what it has and take nothing new.
DRAIN_SIGNAL = signal.SIGUSR1


@contextmanager
def registered_worker(root: Path, name: str) -> Iterator[None]:
    """List this process as a worker until the block ends. Raises `Misconfigured` if another one has this name."""
    folder = _folder(root)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    with open_private(path, "a") as file:
        # A lock of `lockf` is this process's alone: children that it forks do not hold it after its death.
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            raise Misconfigured(f"Another worker of this home is called {name}; choose another --name.") from taken
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def local_workers(root: Path) -> dict[str, int]:
    """The process ids of the living workers, by name."""
    folder = _folder(root)
    found = {path.name: _living(path) for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    return {name: process for name, process in found.items() if process is not None}


def _living(path: Path) -> int | None:
    """The process id in the file, if the process that wrote it still holds its lock."""
    try:
        with path.open("r+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read() or 0) or None
    except (FileNotFoundError, ValueError):
        return None
    return None


def _folder(root: Path) -> Path:
    return root / "workers"
