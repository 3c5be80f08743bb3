"""Verified outputs that are not stored and recorded yet. Where that fails, or the process dies meanwhile, the next
attempt of the task on this host finds its output here, and encodes nothing."""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from penstock.domain.ids import TaskId
from penstock.domain.media import Media
from penstock.domain.receipt import Receipt
from penstock.domain.reuse import KeptOutput
from penstock.domain.stages import Rendition
from penstock.domain.task import FileFacts
from penstock.storage.local_files import sha256_of

# An attempt that comes later encodes again.
KEPT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Description:
    """What is known of a kept output. `conversion` is the digest of the conversion that made it."""

    conversion: str
    facts: FileFacts
    media: Media
    receipt: Receipt


_DESCRIPTION = TypeAdapter(_Description)


@dataclass(frozen=True, slots=True)
class KeptOutputs:
    """One for each task, in `folder`, on the disk of the scratch folders. Safe for several processes."""

    folder: Path

    def keep(self, made: Rendition) -> None:
        """Link the output, so that it survives its scratch folder. It is an optimization: what fails is not kept.

        Nothing is kept where the digest of the input is not known, because the next attempt could not compare it."""
        if made.conversion is None:
            return
        described = _Description(made.conversion, made.facts, made.media, made.receipt)
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = Path(tempfile.mkdtemp(prefix=".", dir=self.folder))
            try:
                os.link(made.path, new / "output")
                (new / "description.json").write_bytes(_DESCRIPTION.dump_json(described))
                self.discard(made.task.id)
                new.rename(self._of(made.task.id))
            finally:
                shutil.rmtree(new, ignore_errors=True)

    def find(self, task_id: TaskId, conversion: str, path: Path) -> KeptOutput | None:
        """The output of this conversion, linked as `path`; None if there is none, or its bytes are not those that were
        verified."""
        place = self._of(task_id)
        try:
            described = _DESCRIPTION.validate_json((place / "description.json").read_bytes())
            path.unlink(missing_ok=True)
            os.link(place / "output", path)
            if described.conversion == conversion and sha256_of(path) == described.facts.sha256:
                return KeptOutput(path, described.facts, described.media, described.receipt)
        except (OSError, ValidationError):
            pass
        return None

    def discard(self, task_id: TaskId) -> None:
        """The output is recorded, or nobody will ask for it."""
        shutil.rmtree(self._of(task_id), ignore_errors=True)

    def remove_old(self, seconds: float = KEPT_SECONDS) -> int:
        """Remove those that were kept so long ago, and what a killed process left half-made; returns how many."""
        before, removed = time.time() - seconds, 0
        for place in self.folder.glob("*") if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):
                if place.stat().st_mtime < before:
                    shutil.rmtree(place, ignore_errors=True)
                    removed += 1
        return removed

    def _of(self, task_id: TaskId) -> Path:
        return self.folder / task_id
