"""A folder or prefix that inputs of a batch come from, and that outputs go to."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from penstock.domain import errors
from penstock.domain.batch.addresses import joined_address, name_within, normalized_address
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.naming import PARTS_FOLDER
from penstock.storage.interruptible import IsStopped, never_stopped


@dataclass(frozen=True, slots=True)
class Publication:
    """How an output is published. `name` is relative to the location; `replace`: over a file of this name.

    `modified` is the modification time that it gets, in seconds since 1970, where the location can. `batch_id` names
    the unfinished part."""

    name: str
    batch_id: str
    replace: bool = False
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class RangedInput:
    """A file that is read in parts, all of one version. `read` returns the bytes from `start` to before `end`; it
    raises what `Location.fetch` raises."""

    size: int
    read: Callable[[int, int], bytes]


class Location(ABC):
    """A local folder or a prefix of an object store. Names are relative to it, with `/`. Thread-safe."""

    def __init__(self, address: str) -> None:
        self.address = address

    @property
    def real_address(self) -> str:
        """The address with symbolic links of the location itself resolved."""
        return self.address

    @abstractmethod
    def list_files(self, glob: str | None = None, exclude: Sequence[str] = ()) -> Iterator[Entry]:
        """The files below the location, recursively, sorted within each folder, as they are found.

        `exclude` are relative folders to leave out. Hidden files need a glob that names them (`domain.batch.globs`).
        Raises `InputUnreachable` if the location cannot be read, `OriginUnavailable`, `FieldInvalid` for the glob."""

    @abstractmethod
    def stat(self, name: str) -> Entry | None:
        """The file of a name; None if there is none. Raises `OriginUnavailable`."""

    @abstractmethod
    def many_stats(self) -> Callable[[str], Entry | None]:
        """`stat` for many names of one moment: of a prefix it is one listing."""

    @abstractmethod
    def fetch(self, name: str, path: Path, version: str | None, is_stopped: IsStopped = never_stopped) -> Entry:
        """Make the file available at a new local path, perhaps as a hard link: it must not be changed.

        Raises `InputChanged` if it is not the wanted version, `InputUnreachable`, `OriginUnavailable`,
        `UrlForbidden` for a link out of the location, `DiskFull` and `StorageUnavailable` of the path, `Cancelled`."""

    @abstractmethod
    def open_ranges(self, name: str, is_stopped: IsStopped = never_stopped) -> AbstractContextManager[RangedInput]:
        """Open the file to read parts of it. Raises what `fetch` raises of the input."""

    @abstractmethod
    def publish(self, path: Path, publication: Publication, is_stopped: IsStopped = never_stopped) -> Entry:
        """Publish a local file whole or not at all; missing folders are made.

        Raises `OutputExists`, `DiskFull`, `UrlForbidden` without rights, `FieldInvalid` for an impossible name,
        `StorageUnavailable`, `Cancelled`."""

    @abstractmethod
    def remove_parts(self, batch_id: str) -> int:
        """Remove what killed runs of a batch left unfinished; returns how many. Call it while none of it runs."""

    @abstractmethod
    def require_writable(self, batch_id: str) -> None:
        """Raises what `publish` would raise for any file. Makes the folder if it is missing."""

    def unchanged(self, name: str, entry: Entry) -> bool:
        """Whether a file is still what was listed or fetched."""
        found = self.stat(name)
        return found is not None and (found.size, found.version) == (entry.size, entry.version)

    def address_of(self, name: str) -> str:
        """The address of a name in this location."""
        return joined_address(self.address, name)

    def name_of(self, address: str) -> str | None:
        """The name of an address in this location; None outside it."""
        found = normalized_address(address)
        return name_within(self.address, found) or name_within(self.real_address, found)


def require_plain_name(name: str) -> str:
    """The name. Raises `FieldInvalid` for one that is empty, absolute, or leads out of its location."""
    parts = name.split("/")
    if "\0" in name or parts[0] == PARTS_FOLDER or any(part in ("", ".", "..") for part in parts):
        raise errors.FieldInvalid(
            f"The name of the output must be a plain relative path, and not in {PARTS_FOLDER}.", field="output"
        )
    return name
