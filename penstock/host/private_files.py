"""Files and folders that only their owner may read or write, whatever the umask of the process that makes them."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

PRIVATE_UMASK = 0o077


def open_private(path: Path, mode: Literal["a", "w"]) -> IO[str]:
    """Open a file for appending or writing. If it is created now, its mode is 0600."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def make_private(root: Path, names: Iterable[str]) -> None:
    """Remove all permissions of group and others from a folder and from the entries of these names in it.

    A folder with the sticky bit, such as `/tmp`, keeps its mode. The contents of an entry are only gone through if the
    folder or the entry was open to others.
    """
    was_open = not root.stat().st_mode & stat.S_ISVTX and _restrict(root)
    for entry in filter(os.path.lexists, (root / name for name in names)):
        if _restrict(entry) or was_open:
            for folder, folders, files in os.walk(entry):
                for name in (*folders, *files):
                    _restrict(Path(folder, name))


def _restrict(path: Path) -> bool:
    """Whether the mode had to be changed."""
    with suppress(OSError):  # removed meanwhile, or another user's
        mode = path.lstat().st_mode
        if mode & PRIVATE_UMASK and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~PRIVATE_UMASK)
            return True
    return False
