"""Manifests that callers of the API upload."""

from pathlib import Path

from penstock.batches.manifest_file import MIME_TYPES
from penstock.domain import errors
from penstock.domain.batch.manifest import is_json_lines, read_manifest
from penstock.domain.batch.results import ManifestFormat
from penstock.domain.task import FileFacts
from penstock.storage.local_files import sha256_of

_TYPES = frozenset(("text/csv", "application/jsonl", "application/x-ndjson", "application/x-jsonlines"))
_SUFFIXES = (".csv", ".jsonl", ".ndjson")


def is_manifest(content_type: str, name: str) -> bool:
    """Whether an upload of this declared type and file name is a manifest, and no media."""
    declared = content_type.partition(";")[0].strip().lower()
    return declared in _TYPES or name.lower().endswith(_SUFFIXES)


def manifest_facts(path: Path, max_bytes: int) -> FileFacts:
    """The facts of a manifest, of which every line was read. Raises `InputTooLarge`, and as `read_manifest`."""
    size = path.stat().st_size
    if size > max_bytes:
        raise errors.InputTooLarge(f"The manifest is larger than the {max_bytes:,} bytes allowed.", field="file")
    with path.open("rb") as file:
        written: ManifestFormat = "jsonl" if is_json_lines(file) else "csv"
        file.seek(0)
        for _line in read_manifest(file):
            pass
    return FileFacts("manifest", written, MIME_TYPES[written], size, sha256_of(path))
