"""Unfinished uploads on the local disk: `folder/<project>/<id>/` has `part`, the bytes so far, and `about.json`.

The size of `part` is the offset, so that there is nothing to bring into agreement after a crash. A lock on `part` keeps
a second writer out; the kernel releases it when the process dies."""

import fcntl
import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from penstock.domain import errors
from penstock.domain.ids import FileId, ProjectId, is_id, new_file_id
from penstock.host.free_space import require_room
from penstock.settings import Settings
from penstock.storage.error_translation import translate_storage_errors
from penstock.storage.local_files import sync_file

PART, ABOUT, NEW = "part", "about.json", ".new-"


@dataclass(frozen=True, slots=True)
class About:
    """What was said of an upload when it was created. `length` in bytes; `metadata` is the header as it came."""

    length: int
    name: str = ""
    type: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that is not a File yet. It will have this id. `expires`: seconds since 1970."""

    id: FileId
    folder: Path
    about: About
    offset: int
    expires: float

    @property
    def part(self) -> Path:
        return self.folder / PART


@dataclass(frozen=True, slots=True)
class UnfinishedUploads:
    """The unfinished uploads of all projects, at most `per_project` of each; each expires `seconds` after its last
    byte. None is begun for which the disk has no room beside `min_free_bytes`."""

    folder: Path
    per_project: int
    seconds: float
    min_free_bytes: int = 0

    def create(self, project_id: ProjectId, about: About) -> Unfinished:
        """Raises `QueueFull`, and `DiskFull` where the disk has no room for it and the rest of the project's others."""
        own = self.folder / project_id
        with translate_storage_errors():
            own.mkdir(parents=True, exist_ok=True)
            with _created(self.folder / f"{project_id}.lock") as lock, _locked(lock, wait=True):
                self.remove_expired(own)
                self._require_room(own, about.length)
                made = _begin(own, about)
        return self.get(project_id, made)

    def get(self, project_id: ProjectId, upload_id: str) -> Unfinished:
        """Raises `FileNotFound`, also for one of another project and for one that has expired."""
        folder = self.folder / project_id / upload_id
        if not is_id(upload_id) or not (found := self._read(folder)) or found.expires < time.time():
            raise errors.FileNotFound("There is no such unfinished upload, or it has expired; start it again.")
        return found

    @contextmanager
    def writing(self, project_id: ProjectId, upload_id: str) -> Iterator[tuple[Unfinished, io.FileIO]]:
        """The upload, and its part to append to, for one writer at a time. Raises `FileInUse`, `FileNotFound`."""
        found = self.get(project_id, upload_id)
        with _opened(found.part) as part, _locked(part.fileno(), wait=False):
            yield self.get(project_id, upload_id), part  # read again, now that nobody else writes

    def remove(self, found: Unfinished) -> None:
        with translate_storage_errors():
            shutil.rmtree(found.folder)

    def remove_all_expired(self) -> int:
        """Remove the expired uploads of all projects; returns how many."""
        with suppress(FileNotFoundError):
            return sum(self.remove_expired(own) for own in list(self.folder.iterdir()) if own.is_dir())
        return 0

    def remove_expired(self, own: Path) -> int:
        """Remove those in the folder of one project that have expired, and what is left of broken creations."""
        before = time.time() - self.seconds
        old = [folder for folder in own.iterdir() if _written(folder) < before and not _is_written_to(folder)]
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)
        return len(old)

    def _require_room(self, own: Path, length: int) -> None:
        unfinished = [folder for folder in own.iterdir() if not folder.name.startswith(NEW)]
        if len(unfinished) >= self.per_project:
            raise errors.QueueFull(
                f"The project has {self.per_project:,} unfinished uploads; finish some or delete them first."
            )
        promised = sum(found.about.length - found.offset for found in map(self._read, unfinished) if found)
        require_room(own, promised + length, self.min_free_bytes)

    def _read(self, folder: Path) -> Unfinished | None:
        try:
            about = About(**json.loads((folder / ABOUT).read_text()))
            part = (folder / PART).stat()
        except (OSError, ValueError, TypeError):
            return None
        return Unfinished(FileId(folder.name), folder, about, part.st_size, part.st_mtime + self.seconds)


def unfinished_uploads(settings: Settings) -> UnfinishedUploads:
    kept = (settings.max_unfinished_uploads, settings.unfinished_upload_seconds)
    return UnfinishedUploads(settings.unfinished, *kept, settings.min_free_bytes)


def _begin(own: Path, about: About) -> FileId:
    """A new folder with an empty part, which is there as a whole or not at all; returns its id. Raises `OSError`."""
    new_id = new_file_id()
    made = own / f"{NEW}{new_id}"
    try:
        made.mkdir()
        (made / PART).touch()
        (made / ABOUT).write_text(json.dumps(asdict(about)))
        sync_file(made / ABOUT)
        made.rename(own / new_id)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    sync_file(own)
    return new_id


def _written(folder: Path) -> float:
    """When an upload got its last byte; for what is none, when it was made."""
    with suppress(OSError):
        return (folder / PART).stat().st_mtime
    with suppress(OSError):
        return folder.stat().st_mtime
    return time.time()


def _is_written_to(folder: Path) -> bool:
    try:
        with _opened(folder / PART) as part, _locked(part.fileno(), wait=False):
            return False
    except errors.FileInUse:
        return True
    except errors.FileNotFound:
        return False


@contextmanager
def _opened(part: Path) -> Iterator[io.FileIO]:
    try:
        file = io.FileIO(os.open(part, os.O_WRONLY | os.O_APPEND), "w")
    except FileNotFoundError as error:
        raise errors.FileNotFound("This upload was deleted; start it again.") from error
    with file:
        yield file


@contextmanager
def _created(lock: Path) -> Iterator[int]:
    """A file that is locked in place of a folder: NFS gives exclusive locks only on files that are open for writing."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _locked(descriptor: int, *, wait: bool) -> Iterator[None]:
    """An exclusive lock on an open file. Raises `FileInUse` where another has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise errors.FileInUse("Another request writes to this upload; continue when it has ended.") from error
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
