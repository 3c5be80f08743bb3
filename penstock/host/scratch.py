"""Scratch folders: one for each run, gone when it ends, found and removed if it died."""

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
def scratch_folder(rooms: Path, name: str) -> Iterator[Path]:
    """A folder of our own, held by a lock, so that a sweep can tell a live room from a dead one.

    Raises `DiskFull` where there is no place for it."""
    room, lock = _made(rooms, name)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        os.close(lock)


def remove_dead_folders(rooms: Path, newborn_seconds: float = CREATION_SECONDS) -> int:
    """Remove the rooms whose runs are dead; answers how many. One whose name begins with a dot is just being made, and
    may not have its lock yet."""
    before = time.time() - newborn_seconds
    found = rooms.glob("*") if rooms.is_dir() else ()
    return sum(_remove_if_dead(room, before) for room in found)


def _made(rooms: Path, name: str) -> tuple[Path, int]:
    """A folder and its lock: it is locked before it has its name."""
    try:
        rooms.mkdir(parents=True, exist_ok=True, mode=0o700)
        newborn = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=rooms))
        lock = os.open(newborn, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        return newborn.rename(newborn.with_name(newborn.name.removeprefix("."))), lock
    except OSError as full:
        raise errors.DiskFull("There is no room for the conversion at the moment.", detail=str(full)) from full


def _remove_if_dead(room: Path, before: float) -> bool:
    try:
        lock = os.open(room, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        if room.name.startswith(".") and os.fstat(lock).st_ctime > before:
            return False
        _remove(room)
        return True
    finally:
        os.close(lock)


def _remove(room: Path) -> None:
    if room.is_dir():
        shutil.rmtree(room, ignore_errors=True)
    else:
        room.unlink(missing_ok=True)
