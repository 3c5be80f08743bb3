"""Files on the local disk: complete writes, durable moves, copies that can be stopped, listings."""

import hashlib
import io
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from penstock.storage.error_translation import translate_storage_errors
from penstock.storage.interruptible import IsStopped, raise_if_stopped

_COPY_BYTES = 4 * 2**20


def write_all(file: io.FileIO, block: bytes) -> None:
    """Write the whole block; an unbuffered `write` may stop short. Raises `DiskFull`, `StorageUnavailable`."""
    rest = memoryview(block)
    with translate_storage_errors():
        while rest:
            rest = rest[file.write(rest) :]


def copy_file(source: Path, target: Path, is_stopped: IsStopped) -> None:
    """Copy a file block by block. Raises `Cancelled`, `OSError`."""
    with source.open("rb", buffering=0) as reader, target.open("wb") as writer:
        while block := reader.read(_COPY_BYTES):
            raise_if_stopped(is_stopped)
            writer.write(block)


def link_or_copy(source: Path, target: Path, is_stopped: IsStopped) -> None:
    """A hard link; a copy where the file system does not support it or is another one."""
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        copy_file(source, target, is_stopped)


def link_or_copy_open(descriptor: int, target: Path, is_stopped: IsStopped) -> None:
    """The same for an open file, whatever its name leads to by now."""
    source = f"/proc/self/fd/{descriptor}"
    try:
        # With a descriptor of a folder Python calls linkat, which follows the link; link does not.
        os.link(source, target, src_dir_fd=descriptor, follow_symlinks=True)
    except FileExistsError:
        raise
    except OSError:
        copy_file(Path(source), target, is_stopped)


def sha256_of(path: Path) -> str:
    """The sha256 of a whole file. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def move_durably(source: Path, target: Path) -> None:
    """Rename a finished file; afterwards its bytes and its name survive a power failure."""
    sync_file(source)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    source.replace(target)
    sync_file(target.parent)


@contextmanager
def temporary_file_beside(path: Path) -> Iterator[Path]:
    """A path in the same folder for an unfinished file, which is removed at the end."""
    with removed_at_end(path.with_name(f".{secrets.token_hex(8)}.part")) as part:
        yield part


@contextmanager
def removed_at_end(path: Path) -> Iterator[Path]:
    """Remove the path at the end, also after success: renaming one hard link of a file onto another does nothing."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def removed_on_error(path: Path) -> Iterator[None]:
    """Remove a new file if the block that writes it fails; one that was there before is kept."""
    try:
        yield
    except FileExistsError:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def list_files_in(folder: Path) -> Iterator[tuple[str, float]]:
    """Name and modification time (seconds since 1970) of each file in a folder; files that vanish are left out."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_mtime


def file_age(path: Path) -> float:
    """Seconds since a file was modified; 0 if it does not exist."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def sync_file(path: Path) -> None:
    """Have the bytes of a file, or the names in a folder, on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
