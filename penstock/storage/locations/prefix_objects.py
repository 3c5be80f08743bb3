"""The objects below a prefix: what S3 and other fsspec file systems do differently."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penstock.domain.batch.entries import Entry
from penstock.storage.interruptible import IsStopped

NO_PATH = "a key that is no path"


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes of an object. `version` is that of the object they were read from, if the server tells it."""

    content: bytes
    version: str | None


class PrefixObjects(ABC):
    """Objects by their name relative to the prefix. Raises `STORAGE_ERRORS`; of a missing one `FileNotFoundError`."""

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """All objects, as they are listed."""

    @abstractmethod
    def head(self, name: str) -> Entry:
        """The facts of one object."""

    @abstractmethod
    def read(self, name: str, start: int, end: int, is_stopped: IsStopped) -> Block:
        """The bytes from `start` to before `end`."""

    @abstractmethod
    def upload(self, path: Path, name: str, part: str, is_stopped: IsStopped) -> None:
        """Store a local file whole or not at all. `part` is a name that it may have before."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete one object."""

    @abstractmethod
    def delete_all(self, folder: str, start: str) -> int:
        """Delete the objects of a folder whose names begin with `start`, and the empty folder; returns how many."""


def object_entry(name: str, size: int, modified: float | None, version: str) -> Entry:
    """The entry of an object; its key may be none that can be a path."""
    if any(part in ("", ".", "..") for part in name.split("/")) or "\0" in name:
        return Entry(name, 0, None, "", NO_PATH)
    return Entry(name, size, modified, version)
