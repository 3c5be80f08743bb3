"""Reads the facts of a file that was sent or imported, and stores an upload."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from penstock import engines
from penstock.batches.uploaded_manifest import is_manifest, manifest_facts
from penstock.domain import errors
from penstock.domain.file_names import clean_name
from penstock.domain.ids import FileId, ProjectId, new_file_id
from penstock.domain.media import Media
from penstock.domain.task import File, FileFacts
from penstock.services import Services


@dataclass(frozen=True, slots=True)
class Declared:
    """What a sender says of a file: its name, its MIME type, and what it wants to be noted."""

    name: str = ""
    type: str = ""
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What was read from the bytes of a file. A manifest has no `media`."""

    facts: FileFacts
    media: Media | None


def read_file(path: Path, declared: Declared, services: Services, watch: engines.Watch | None = None) -> ReadFile:
    """Read media, or a manifest by its name or declared type. Raises `InputError` for anything else."""
    if is_manifest(declared.type, declared.name):
        return ReadFile(manifest_facts(path, services.settings.max_manifest_bytes), None)
    media = engines.probe(path, services.tools, watch)
    services.limits.require_fitting(media.kind, media.filesize)
    return ReadFile(engines.file_facts(path, media), media)


def store_upload(
    path: Path, project_id: ProjectId, declared: Declared, services: Services, file_id: FileId | None = None
) -> File:
    """Read the file and store it as an upload, under an id that was promised for it, or a new one. Raises what
    `read_file` raises, the errors of the storage, and `FileInUse` if there is a file with this id."""
    read = read_file(path, declared, services)
    now, new_id = datetime.now(UTC), new_file_id()
    key = f"{project_id}/{new_id}"  # a new one also for a promised id: of two uploads of it, one is deleted
    file = File(
        file_id or new_id, project_id, "file", read.facts, key, None, now, now, read.media,
        name=clean_name(declared.name), metadata=declared.metadata,
    )  # fmt: skip
    services.objects.put(path, file.key, read.facts.type)
    try:
        return services.records.files.add(file)
    except Exception:  # the bytes of a file without a row are never found again
        _delete_unrecorded(services, file)
        raise


def _delete_unrecorded(services: Services, file: File) -> None:
    """Delete the bytes of a file that was not recorded. If the commit was not confirmed the row may exist: then, and
    while the database is unavailable, the bytes stay."""
    with suppress(errors.PlatformError):
        if not services.records.files.is_key_named(file.key):
            services.objects.delete(file.key)
