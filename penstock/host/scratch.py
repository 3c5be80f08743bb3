"""Scratch folders: one for each run, removed when the run ends. Those of processes that died are removed by a sweep."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.domain import errors

CREATION_SECONDS = 2.0


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new folder in `parent`, whose name begins with `name`; removed when the block ends.

    A lock on it tells a sweep that its process lives. Raises `DiskFull` if it cannot be made."""
    folder, lock = _create(parent, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_dead_folders(parent: Path, creation_seconds: float = CREATION_SECONDS) -> int:
    """Remove the scratch folders that no living process holds; returns how many.

    A name that begins with a dot is of a folder that is being created and may not be locked yet: it is kept for
    `creation_seconds`."""
    before = time.time() - creation_seconds
    found = parent.glob("*") if parent.is_dir() else ()
    return sum(_remove_if_dead(folder, before) for folder in found)


def _create(parent: Path, name: str) -> tuple[Path, int]:
    """The folder and the descriptor of its lock. It is locked before it gets its final name."""
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unnamed = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=parent))
        lock = os.open(unnamed, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        return unnamed.rename(unnamed.with_name(unnamed.name.removeprefix("."))), lock
    except OSError as full:
        raise errors.DiskFull("There is no disk space for the conversion. Try again later.", detail=str(full)) from full


def _remove_if_dead(folder: Path, before: float) -> bool:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        if folder.name.startswith(".") and os.fstat(lock).st_ctime > before:
            return False
        _remove(folder)
        return True
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
