"""Free disk space: new work is admitted only while some is left, so that running work can end."""

import shutil
from pathlib import Path

from penstock.domain import errors


def has_room(folder: Path, least_bytes: int) -> bool:
    """Whether so much is free on the disk of a folder, or of the nearest one above it that exists. Yes where that
    cannot be told: the work itself then finds out."""
    try:
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        return shutil.disk_usage(nearest).free >= least_bytes
    except OSError:
        return True


def require_room(folder: Path, bytes_wanted: int, least_bytes: int) -> None:
    """Raises `DiskFull` if less than `least_bytes` would be free beside a file of `bytes_wanted`."""
    if not has_room(folder, bytes_wanted + least_bytes):
        raise errors.DiskFull("The disk of the service has no room for this file at the moment. Try again later.")
