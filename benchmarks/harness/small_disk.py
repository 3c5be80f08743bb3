"""A folder on a small disk of its own, which can be filled. Linux, and only root may mount one."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

FILLER = "filler"
BLOCKS_BYTES = (2**20, 2**12, 1)
# Enough to use up every segment that the server has made in advance.
WAL_SWITCHES = 100


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[None]:
    """The folder, with what is in it, on a disk of its own until the block ends; what is there then is lost."""
    before = folder.with_name(f"{folder.name}.before")
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.rename(before)
    folder.mkdir(mode=0o700)
    with mounted(folder, options):
        subprocess.run(["cp", "-a", f"{before}/.", str(folder)], check=True)
        shutil.rmtree(before)
        yield


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """An empty disk in place of the folder, until the block ends. Raises `PermissionError` for all but root."""
    mount = ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        raise PermissionError("only root may mount the small disk that this needs")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave not one byte on the disk of this folder."""
    with (folder / FILLER).open("ab", buffering=0) as filler:
        for size in BLOCKS_BYTES:
            with suppress(OSError):
                while filler.write(bytes(size)):
                    pass


def make_room(folder: Path) -> None:
    """Remove what `fill` has written."""
    (folder / FILLER).unlink(missing_ok=True)


def fill_below_database(folder: Path, database_url: str) -> None:
    """The same below a running PostgreSQL, which is then written to until it stops: it does where it gets no space for
    its write-ahead log."""
    with suppress(psycopg.Error), psycopg.connect(database_url, autocommit=True) as connection:
        fill(folder)
        for _ in range(WAL_SWITCHES):
            connection.execute("SELECT pg_logical_emit_message(false, '', 'full'), pg_switch_wal()")
