"""A file of the caller's disk that is written at once or not at all, and replaces nothing unasked."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = ".penstock-"


@contextmanager
def arriving(target: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file to write to, which is `target` once the block ends well. A link stays one: what it leads to is replaced.

    Raises `FileExistsError` where there is a `target` by then that is not to be overwritten, else `OSError`.
    """
    place = target.resolve() if overwrite else target
    settle: Callable[[Path, Path], None] = os.replace if overwrite else _settle_beside_nothing
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=PREFIX, delete=False) as part:
        arrived = Path(part.name)
        try:
            yield part
            part.flush()
            os.fsync(part.fileno())
            arrived.chmod(0o666 & ~_umask())
            settle(arrived, place)
        finally:
            arrived.unlink(missing_ok=True)


def require_writable(target: Path) -> None:
    """Raises `OSError` unless a file can be made beside `target`, and could have its name."""
    place = target.resolve()
    with suppress(FileNotFoundError):
        place.lstat()  # tells of a name that is too long
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=PREFIX):
        pass


def _settle_beside_nothing(part: Path, place: Path) -> None:
    try:
        place.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: FAT, some of the network
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        part.replace(place)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
