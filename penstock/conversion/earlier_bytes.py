"""The bytes of outputs of equal conversions: linked in our storage, copied for a destination."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.conversion.inputs import destination_of, located_files_of
from penstock.conversion.located_files import LocatedFiles
from penstock.domain import errors
from penstock.domain.reuse import EarlierOutput
from penstock.domain.task import File, Task
from penstock.services import Services
from penstock.storage.interruptible import IsStopped
from penstock.storage.local_files import copy_file, sha256_of


@dataclass(frozen=True, slots=True)
class EarlierBytes:
    """Looks for the bytes of earlier outputs. `files` are those of the batch, if they are open."""

    services: Services
    is_stopped: IsStopped
    files: LocatedFiles | None = None

    def usable(self, candidates: Iterable[EarlierOutput], task: Task, folder: Path) -> EarlierOutput | None:
        """The first whose bytes are there: for a destination with a copy of them in `folder`, which has the recorded
        sha256, and in no other name."""
        if destination_of(task) is None:
            return next((one for one in candidates if self._is_stored(one.file)), None)
        path = folder / f"{task.id}.earlier"
        copied = (replace(one, copy=path) for one in candidates if self._is_copied(one.file, path, task))
        return next(copied, None)

    def _is_stored(self, file: File) -> bool:
        return file.location is None and self.services.objects.exists(file.key)

    def _is_copied(self, file: File, path: Path, task: Task) -> bool:
        """Others may have changed or removed what is at a destination."""
        path.unlink(missing_ok=True)
        try:
            self._fetch(file, path, task)
            _make_own(path, self.is_stopped)
        except errors.Cancelled:
            raise
        except errors.MediaError:
            return False
        return sha256_of(path) == file.facts.sha256

    def _fetch(self, file: File, path: Path, task: Task) -> None:
        if file.location is None:
            self.services.objects.get(file.key, path, self.is_stopped)
        else:
            files = self.files or located_files_of(task, self.services)
            location, name = files.located(file.location, "destination")
            location.fetch(name, path, None, self.is_stopped)


def _make_own(path: Path, is_stopped: IsStopped) -> None:
    """A copy in place of a hard link: the bytes that are checked are those that are published."""
    if path.stat().st_nlink > 1:
        own = path.with_name(f"{path.name}.copy")
        copy_file(path, own, is_stopped)
        os.replace(own, path)  # noqa: PTH105
