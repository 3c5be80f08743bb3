"""A local folder as the source or destination of a batch."""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from penstock.domain import errors
from penstock.domain.batch.addresses import file_address, path_in
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.globs import parse_glob
from penstock.domain.batch.naming import PARTS_FOLDER
from penstock.storage.error_translation import translate_storage_errors
from penstock.storage.interruptible import IsStopped, never_stopped, raise_if_stopped
from penstock.storage.local_files import copy_file, link_or_copy_open, removed_at_end, removed_on_error, sync_file
from penstock.storage.locations.folder_listing import Listing, entry_of, is_inside, linked_entry
from penstock.storage.locations.location import Location, Publication, RangedInput, require_plain_name
from penstock.storage.locations.location_errors import (
    OutputExists,
    translate_destination_errors,
    translate_input_errors,
)

# Of the mode of a folder, what new folders and files in it get.
_FOLDER_MODE, _FILE_MODE = 0o2775, 0o664
# What file systems without hard links answer: FAT, network ones, FUSE.
_NO_HARD_LINKS = frozenset((errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS))


class FolderLocation(Location):
    """A folder of this machine. What leads out of it by a symbolic link is neither read nor written."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._root = path_in(address)
        self._real_root = os.path.realpath(self._root)

    @property
    def real_address(self) -> str:
        return file_address(self._real_root)

    def list_files(self, glob: str | None = None, exclude: Sequence[str] = ()) -> Iterator[Entry]:
        listing = Listing(self._root, self._real_root, parse_glob(glob), frozenset(exclude))
        with translate_input_errors():
            os.close(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY))
        return listing.files()

    def stat(self, name: str) -> Entry | None:
        with translate_input_errors():
            try:
                facts = os.lstat(self._path(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
        if stat.S_ISLNK(facts.st_mode):
            return linked_entry(self._root, self._real_root, name)
        return None if stat.S_ISDIR(facts.st_mode) else entry_of(name, facts)

    def many_stats(self) -> Callable[[str], Entry | None]:
        return self.stat

    def fetch(self, name: str, path: Path, version: str | None, is_stopped: IsStopped = never_stopped) -> Entry:
        with self._opened(name) as descriptor:
            entry = entry_of(name, os.fstat(descriptor))
            if version not in (None, entry.version):
                raise errors.InputChanged("The input is not the one that was listed: it changed since.")
            with translate_storage_errors(), removed_on_error(path):
                link_or_copy_open(descriptor, path, is_stopped)
                if entry_of(name, os.fstat(descriptor)) != entry:
                    raise errors.InputChanged("The input changed while it was read.")
        return entry

    @contextmanager
    def open_ranges(self, name: str, is_stopped: IsStopped = never_stopped) -> Iterator[RangedInput]:
        raise_if_stopped(is_stopped)
        with self._opened(name) as descriptor:
            yield RangedInput(os.fstat(descriptor).st_size, partial(_read_range, descriptor))

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """A descriptor of the file, checked after opening, so that no link can be exchanged in between."""
        with translate_input_errors():
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not is_inside(_path_of(descriptor), self._real_root):
                raise errors.UrlForbidden("The input is a symbolic link out of its folder: not followed.", field="url")
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise errors.InputUnreadable("The input is no regular file.")
            yield descriptor
        finally:
            os.close(descriptor)

    def publish(self, path: Path, publication: Publication, is_stopped: IsStopped = never_stopped) -> Entry:
        name = require_plain_name(publication.name)
        batch_id, modified = publication.batch_id, publication.modified
        with translate_destination_errors(), self._parent_of(name) as parent, self._part(parent, batch_id) as part:
            _fill(path, part, is_stopped)
            sync_file(part)  # else a power failure leaves an empty file under a name; measured: 0.5 ms
            if modified is not None:
                os.utime(part, (modified, modified))
            facts = os.lstat(part)
            _move(part, parent, name.rpartition("/")[2], replace=publication.replace)
        return entry_of(name, facts)

    @contextmanager
    def _parent_of(self, name: str) -> Iterator[int]:
        """A descriptor of the output's folder, which is made if it is missing."""
        folder = self._path(name).rpartition("/")[0]
        self._require_inside(os.path.realpath(folder))
        self._make_folder(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._require_inside(_path_of(descriptor))
            yield descriptor
        finally:
            os.close(descriptor)

    def _require_inside(self, real_path: str) -> None:
        if not is_inside(real_path, self._real_root):
            raise errors.UrlForbidden(
                "The folder of the output is a symbolic link out of the destination.", field="destination"
            )

    def _make_folder(self, folder: str) -> None:
        """Make a folder and its parents. They get the mode of the root, and it that of its parent: these files are
        the user's, not private ones of the service."""
        missing = []
        while not os.path.lexists(folder):
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for one in reversed(missing):
            with suppress(FileExistsError):  # another run makes it at the same time
                os.mkdir(one)  # noqa: PTH102
                above = self._root if len(one) > len(self._root) else os.path.dirname(one)  # noqa: PTH120
                os.chmod(one, stat.S_IMODE(os.stat(above).st_mode) & _FOLDER_MODE)  # noqa: PTH101, PTH116

    @contextmanager
    def _part(self, parent: int, batch_id: str) -> Iterator[Path]:
        """An empty file for the unfinished output, on the file system of its folder, with the mode of a new file."""
        root = Path(self._root)
        is_same_device = root.stat().st_dev == os.fstat(parent).st_dev
        folder = (root if is_same_device else Path(_path_of(parent))) / PARTS_FOLDER
        part = _create_part(folder, f"{batch_id}-{secrets.token_hex(8)}")
        try:
            with removed_at_end(part):
                part.chmod(root.stat().st_mode & _FILE_MODE)
                yield part
        finally:
            if not is_same_device:  # `remove_parts` does not look there
                _remove_if_empty(folder)

    def remove_parts(self, batch_id: str) -> int:
        folder = Path(self._root, PARTS_FOLDER)
        with translate_destination_errors():
            parts = (
                [part for part in folder.iterdir() if part.name.startswith(f"{batch_id}-")] if folder.is_dir() else []
            )
            for part in parts:
                part.unlink(missing_ok=True)
        _remove_if_empty(folder)
        return len(parts)

    def require_writable(self, batch_id: str) -> None:
        with translate_destination_errors(), self._parent_of("x") as parent, self._part(parent, batch_id) as part:
            part.write_bytes(b"?")

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def _read_range(descriptor: int, start: int, end: int) -> bytes:
    content = bytearray()
    with translate_input_errors():
        while block := os.pread(descriptor, end - start - len(content), start + len(content)):
            content += block
    if len(content) != end - start:
        raise errors.InputChanged("The input changed while it was read.")
    return bytes(content)


def _path_of(descriptor: int) -> str:
    """Where an open file is now, links resolved."""
    return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115


def _create_part(folder: Path, name: str) -> Path:
    """An empty file. The folder is made again if another batch, which ends, removes it at this moment."""
    for is_last in (False, False, True):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            (folder / name).touch(exist_ok=False)
        except FileNotFoundError:
            if is_last:
                raise
        else:
            break
    return folder / name


def _fill(path: Path, part: Path, is_stopped: IsStopped) -> None:
    """A hard link of `path` if this is its only name, else a copy: what is published must be no link of an input."""
    mode = stat.S_IMODE(part.stat().st_mode)
    if path.stat().st_nlink == 1:
        part.unlink()
        with suppress(OSError):
            part.hardlink_to(path)
            part.chmod(mode)
            return
    copy_file(path, part, is_stopped)


def _move(part: Path, parent: int, name: str, *, replace: bool) -> None:
    """Give the part its name in the folder `parent`. Raises `OutputExists`, also for a folder of this name."""
    try:
        if replace:
            os.replace(part, name, dst_dir_fd=parent)
        else:
            _link_new(part, parent, name)
    except (FileExistsError, IsADirectoryError) as error:
        raise OutputExists from error


def _link_new(part: Path, parent: int, name: str) -> None:
    try:
        os.link(part, name, dst_dir_fd=parent)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, dir_fd=parent))
        os.replace(part, name, dst_dir_fd=parent)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
