"""The result manifest: it grows while the batch runs, where it is a local file, and is published whole at the end."""

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from penstock.batches.reporting import result_line
from penstock.conversion.line_files import LineFiles
from penstock.domain.batch.addresses import is_file_id, normalized_address, path_in, scheme_of
from penstock.domain.batch.batch import BatchItem
from penstock.domain.batch.results import ManifestFormat, manifest_format, manifest_row, manifest_start
from penstock.domain.ids import FileId, new_file_id
from penstock.domain.task import File, FileFacts
from penstock.host.scratch import scratch_folder
from penstock.storage.interruptible import IsStopped
from penstock.storage.local_files import sha256_of
from penstock.storage.locations.location import Location, Publication
from penstock.storage.locations.location_errors import translate_destination_errors

log = logging.getLogger(__name__)

MIME_TYPES: dict[ManifestFormat, str] = {"csv": "text/csv", "jsonl": "application/jsonl"}


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The result manifest of one batch."""

    files: LineFiles

    @property
    def address(self) -> str | None:
        """Where it is published; None: as a file of our storage."""
        return self.files.batch.spec.manifest_place

    def begin(self) -> None:
        """Start an empty one in place of that of an earlier run. Raises as `Location.publish`."""
        if path := self._local_path():
            with translate_destination_errors():
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, manifest_start(self._format), os.O_TRUNC)

    def append(self, items: Sequence[BatchItem]) -> None:
        """Add the lines that have just ended. A growing manifest is a convenience: where it cannot be written, the
        batch goes on without; it is published whole at the end."""
        if items and (path := self._local_path()):
            try:
                _write(path, b"".join(self._rows(items)), os.O_APPEND)
            except OSError as error:
                log.warning("the manifest of %s cannot be written: %s", self.files.batch.id, type(error).__name__)

    def publish(self, pages: Iterable[Sequence[BatchItem]], is_stopped: IsStopped) -> FileId | None:
        """Publish it whole, in the order of the lines. Returns the id of the file in our storage, if it is there."""
        with scratch_folder(self.files.services.settings.scratch, "manifest") as folder:
            path = folder / "manifest"
            with path.open("wb") as file:
                file.write(manifest_start(self._format))
                for page in pages:
                    file.writelines(self._rows(page))
            return self._published(path, is_stopped)

    def _published(self, path: Path, is_stopped: IsStopped) -> FileId | None:
        if self.address is None:
            return self._stored(path, is_stopped)
        location, name = self._located(self.address)
        location.publish(path, Publication(name, self.files.batch.id, replace=True), is_stopped)
        return None

    def _stored(self, path: Path, is_stopped: IsStopped) -> FileId:
        services, project_id = self.files.services, self.files.batch.project_id
        file_id, now, size = new_file_id(), datetime.now(UTC), path.stat().st_size
        facts = FileFacts("manifest", self._format, MIME_TYPES[self._format], size, sha256_of(path))
        file = File(
            file_id,
            project_id,
            "source",
            facts,
            f"{project_id}/{file_id}",
            None,
            now,
            now,
            name=f"manifest.{self._format}",
        )
        services.objects.put(path, file.key, facts.type, is_stopped)
        services.records.files.add(file)
        return file_id

    @property
    def _format(self) -> ManifestFormat:
        return manifest_format(self.address or "manifest.jsonl")

    def _rows(self, items: Iterable[BatchItem]) -> Iterable[bytes]:
        return (manifest_row(result_line(item, self.files.batch), self._format) for item in items)

    def _located(self, address: str) -> tuple[Location, str]:
        return self.files.located(address, "result_manifest")

    @property
    def _is_input(self) -> bool:
        """Whether it replaces the manifest that the lines are read from: that one stays whole until the end."""
        given = self.files.batch.spec.manifest
        return given is not None and not is_file_id(given) and normalized_address(given) == self.address

    def _local_path(self) -> Path | None:
        if self.address is None or scheme_of(self.address) != "file" or self._is_input:
            return None
        location, name = self._located(self.address)
        return Path(path_in(location.real_address)) / name


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | mode, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
