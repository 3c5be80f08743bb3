"""Write a caller's file atomically: it is complete or not there, and replaces another one only if asked to."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = ".penstock-"
_UMASK_LOCK = threading.Lock()


@contextmanager
def atomic_output(target: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file to write to, which becomes `target` when the block ends without an error. A symbolic link is kept and the
    file behind it replaced. Raises `FileExistsError` if `target` exists and `overwrite` is false, else `OSError`.
    """
    place = target.resolve() if overwrite else target
    with tempfile.NamedTemporaryFile("w+b", dir=place.parent, prefix=PREFIX, delete=False) as part:
        path = Path(part.name)
        try:
            yield part
            publish_part(part, path, target, overwrite=overwrite)
        finally:
            path.unlink(missing_ok=True)


def publish_part(part: IO[bytes], path: Path, target: Path, *, overwrite: bool) -> None:
    """Make the complete file `part`, at `path` in the folder of `target`, that target. Raises as `atomic_output`."""
    place = target.resolve() if overwrite else target
    publish: Callable[[Path, Path], None] = os.replace if overwrite else _link_new
    part.flush()
    os.fsync(part.fileno())
    path.chmod(0o666 & ~_umask())
    publish(path, place)
    path.unlink(missing_ok=True)


def require_writable(target: Path) -> None:
    """Raises `OSError` unless a file can be created in the folder of `target` and `target` is a valid name."""
    place = target.resolve()
    with suppress(FileNotFoundError):
        place.lstat()  # raises for a name that is too long
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=PREFIX):
        pass


def _link_new(part: Path, place: Path) -> None:
    try:
        place.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: FAT, some network ones
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        part.replace(place)


def _umask() -> int:
    with _UMASK_LOCK:  # of two threads one would read the other's, and leave it
        mask = os.umask(0o077)
        os.umask(mask)
    return mask
