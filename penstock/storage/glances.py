"""A first look at an input that is still arriving: its beginning, and its end too where the origin sends parts."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from penstock.domain import errors
from penstock.storage.faults import translated
from penstock.storage.origins import Answer, Origins
from penstock.storage.spans import Version, part_of

Glance = Callable[[Path, int | None], None]

HEAD = 2**20
TAIL = 2**20


def look(origins: Origins, answer: Answer, path: Path, glance: Glance) -> None:
    """Let `glance` see the beginning; where that says too little, the beginning and the end."""
    try:
        glance(path, answer.total)
    except (errors.InputUnreadable, errors.InputTruncated):
        if end := _end_of(origins, answer, path.stat().st_size):
            _look_at_both_ends(path, answer, end, glance)


def _look_at_both_ends(path: Path, answer: Answer, end: bytes, glance: Glance) -> None:
    total = answer.total or 0
    # What the look could not see, the probe of the whole file will.
    with _both_ends(path, total - len(end), end) as both, suppress(errors.InputUnreadable, errors.InputTruncated):
        glance(both, total)


def _end_of(origins: Origins, answer: Answer, arrived: int) -> bytes:
    """The last 1 MiB of the file at most; nothing where the origin does not send just that."""
    total = answer.total or 0
    start = max(arrived, total - TAIL)
    if start >= total or answer.headers.get("accept-ranges", "").lower() != "bytes":
        return b""
    try:
        return b"".join(part_of(origins, Version(answer.address, answer.etag, total), start, total))
    except errors.InputError:
        return b""


@contextmanager
def _both_ends(path: Path, start: int, end: bytes) -> Iterator[Path]:
    """The beginning and the end of a file, each at its place, with a hole between."""
    both = path.with_name(f"{path.name}.ends")
    try:
        with translated():
            shutil.copyfile(path, both)
            with both.open("r+b") as file:
                file.seek(start)
                file.write(end)
        yield both
    finally:
        both.unlink(missing_ok=True)
