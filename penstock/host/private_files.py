"""Files and folders that are for their owner alone, whatever the mask of the process that makes them."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal

PRIVATE_UMASK = 0o077


def open_private(path: Path, mode: Literal["a", "w"]) -> IO[str]:
    """The file, for its owner alone if it is made now."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def make_private(root: Path, names: Iterable[str]) -> None:
    """Take from everybody else what they may do to this folder and to the things of these names in it.

    A folder that all may write to, as `/tmp`, stays so. Only where something was open is all below it looked at.
    """
    was_open = not root.stat().st_mode & stat.S_ISVTX and _close(root)
    for place in filter(os.path.lexists, (root / name for name in names)):
        if _close(place) or was_open:
            for folder, folders, files in os.walk(place):
                for name in (*folders, *files):
                    _close(Path(folder, name))


def _close(path: Path) -> bool:
    """Whether it was open to others, and is not any more."""
    with suppress(OSError):  # gone meanwhile, or somebody else's
        mode = path.lstat().st_mode
        if mode & PRIVATE_UMASK and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~PRIVATE_UMASK)
            return True
    return False
