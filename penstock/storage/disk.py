"""What a folder of this machine says of its files, some of which may be gone by then."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def list_files_in(folder: Path) -> Iterator[tuple[str, float]]:
    """The names of the files right in a folder, and when each was written."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_mtime


def file_age(part: Path) -> float:
    """Seconds since a file was written; 0 for one that is gone."""
    try:
        return time.time() - part.stat().st_mtime
    except FileNotFoundError:
        return 0.0
