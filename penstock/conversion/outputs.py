"""Stores a verified output: in our storage, or at its destination."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from penstock.conversion.inputs import destination_of, located_files_of
from penstock.conversion.located_files import LocatedFiles, is_located
from penstock.domain import errors
from penstock.domain.batch.lines import LineRequest
from penstock.domain.file_names import clean_name, output_name
from penstock.domain.ids import FileId
from penstock.domain.stages import Rendition, Reuse
from penstock.domain.task import File, Task
from penstock.services import Services
from penstock.storage.interruptible import IsStopped
from penstock.storage.local_files import sha256_of
from penstock.storage.locations.location_errors import OutputExists


def output_file(made: Rendition | Reuse, file_id: FileId) -> File:
    """The file as it will be stored: of its own, or naming the bytes of an earlier one.

    One that goes to a destination has no key and no version yet."""
    now, task = datetime.now(UTC), made.task
    location = destination_of(task)
    name = _name(task, location)
    if isinstance(made, Reuse):
        own = replace(made.earlier, id=file_id, task_id=task.id, created=now, updated=now, name=name)
        return replace(own, key="", location=location, location_version=None) if location else own
    return File(
        id=file_id,
        project_id=task.project_id,
        object="source",
        facts=made.facts,
        media=made.media,
        key="" if location else f"{task.project_id}/{file_id}",
        task_id=task.id,
        created=now,
        updated=now,
        location=location,
        conversion=made.conversion,
        name=name,
    )


def _name(task: Task, location: str | None) -> str | None:
    return clean_name(location) if location else output_name(task.input_name, task.request.format)


@dataclass(frozen=True, slots=True)
class OutputStore:
    """Where outputs go. `files` are those of the batch, if they are open. `noted_sha256` is that of the output that an
    earlier run of the task was about to publish."""

    services: Services
    is_stopped: IsStopped
    files: LocatedFiles | None = None
    noted_sha256: str | None = None

    def put(self, made: Rendition | Reuse, file: File) -> File:
        """Store what was made as this file; returns it as it is stored. Raises the errors of the storage."""
        if made.path is None:
            return file
        if file.location is None:
            self.services.objects.put(made.path, file.key, file.facts.type, self.is_stopped)
            return file
        return self._publish(made.path, file, made.task)

    def _publish(self, path: Path, file: File, task: Task) -> File:
        files, url = self.files or located_files_of(task, self.services), task.request.url
        replaces = isinstance(task.request, LineRequest) and task.request.replaces
        replaces = replaces or self._is_noted(files, file, path.with_name("published"))
        if self.noted_sha256 is not None and task.batch is None:
            files.remove_unfinished(file.location or "")
        modified = files.modified(url) if is_located(url) else None
        try:
            published = files.publish(
                path, file.location or "", replace=replaces, modified=modified, is_stopped=self.is_stopped
            )
        except OutputExists as exists:
            raise errors.FieldInvalid(
                "A file has appeared under the name of the output; it was not replaced.", field="destination"
            ) from exists
        return replace(file, location=published.address, location_version=published.version)

    def _is_noted(self, files: LocatedFiles, file: File, copy: Path) -> bool:
        """Whether an earlier run has published the file that is there, and was lost before it could record that."""
        if self.noted_sha256 is None:
            return False
        location, name = files.located(file.location or "", "destination")
        if location.stat(name) is None:
            return False
        try:
            location.fetch(name, copy, None, self.is_stopped)
            return sha256_of(copy) == self.noted_sha256
        finally:
            copy.unlink(missing_ok=True)
