"""Finds outputs that an earlier run published before it died: they are completed, not made again."""

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.conversion.line_files import LineFiles
from penstock.domain import errors
from penstock.domain.batch.batch import ConvertedLine
from penstock.domain.task import InputVersion
from penstock.services import Services
from penstock.storage.interruptible import IsStopped
from penstock.storage.local_files import sha256_of


@dataclass(frozen=True, slots=True)
class PublishedOutputs:
    """Reads outputs at their destination or in our storage, into a scratch folder."""

    services: Services
    files: LineFiles
    folder: Path
    is_stopped: IsStopped

    def find(self, noted: ConvertedLine, version: InputVersion | None) -> ConvertedLine | None:
        """The output as it is stored, if it is stored whole and was made of this version of the input."""
        if noted.version != version:
            return None
        path = self.folder / f"published-{secrets.token_hex(6)}"
        try:
            stored = self._fetch(noted, path)
            return stored if sha256_of(path) == noted.file.facts.sha256 else None
        except errors.Cancelled:
            raise
        except errors.MediaError:
            return None
        finally:
            path.unlink(missing_ok=True)

    def _fetch(self, noted: ConvertedLine, path: Path) -> ConvertedLine:
        if noted.file.location is None:
            self.services.objects.get(noted.file.key, path, self.is_stopped)
            return noted
        version = self.files.fetch(noted.file.location, path, None, self.is_stopped)
        return replace(noted, file=replace(noted.file, location_version=version.etag))
