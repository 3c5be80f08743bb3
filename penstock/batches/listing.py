"""Lists the inputs of a batch as items, one after another, so that memory does not grow with their number."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from penstock.conversion.inputs import require_stored
from penstock.conversion.line_files import LineFiles, require_allowed, within_source
from penstock.domain import errors
from penstock.domain.batch.addresses import is_file_id, normalized_address, scheme_of, split_address
from penstock.domain.batch.batch import ITEM_STATUSES, Batch, BatchItem
from penstock.domain.batch.columns import INPUT_COLUMNS
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.line_fields import storable_fields, storable_text
from penstock.domain.batch.manifest import ManifestLine, read_manifest
from penstock.domain.batch.media_names import skip_reason
from penstock.domain.batch.spec import MAX_LINES
from penstock.domain.formats import Kind, kind_named
from penstock.domain.task import File, TaskError
from penstock.host.scratch import scratch_folder
from penstock.storage.interruptible import IsStopped, raise_if_stopped

PAGE = 1000


def list_lines(files: LineFiles, is_stopped: IsStopped) -> int:
    """Record the items of a batch; returns how many there are. A run for the failed lines alone lists nothing anew.

    Raises `UrlForbidden` outside the roots, what the listing raises, `InputUnreachable` where it is empty, and
    `Cancelled`."""
    batch, items = files.batch, files.services.records.batch_items
    require_allowed(batch.spec, files.services, trusted=batch.trusted)
    if batch.options.only == "failed":
        # A line of a manifest that could not be read stays failed: it has no fields.
        items.reopen(batch.id, ["failed", "cancelled"], with_fields=batch.spec.manifest is not None)
    elif batch.spec.lines_digest is not None:
        items.reopen(batch.id, ITEM_STATUSES)
    else:
        items.clear(batch.id)
        found = list_items(files, is_stopped)
        while page := list(islice(found, PAGE)):
            raise_if_stopped(is_stopped)
            items.add(batch.id, page)
    count = items.counts(batch.id).total
    if count == 0 and batch.spec.min_age_seconds == 0:  # a folder in which files arrive may be empty
        raise errors.InputUnreachable("The source holds no files; check the folder or prefix, and the glob.")
    return count


def list_items(files: LineFiles, is_stopped: IsStopped) -> Iterator[BatchItem]:
    """The items of a source or a manifest, numbered from 1. Raises what its listing raises, `FieldInvalid` for more
    than 100,000, and `Cancelled`."""
    spec = files.batch.spec
    items = _manifest_items(files, is_stopped) if spec.manifest else _source_items(files)
    for item in islice(items, MAX_LINES + 1):
        if item.number > MAX_LINES:
            raise errors.FieldInvalid(
                f"The source has more than {MAX_LINES:,} files; choose a part of it.", field="source"
            )
        yield item


def _source_items(files: LineFiles) -> Iterator[BatchItem]:
    spec = files.batch.spec
    location = files.open(spec.source or "")
    inside = within_source(files.batch)
    found = location.list_files(spec.glob, [inside] if inside else [])
    wanted = _wanted_kind(files.batch)
    own_manifest = spec.manifest_place
    listed = (entry for entry in found if location.address_of(entry.name) != own_manifest)
    for number, entry in enumerate(listed, 1):
        yield _item_of(number, location.address_of(entry.name), entry, _skip_reason(entry, wanted, files.batch))


def _item_of(number: int, address: str, entry: Entry, reason: str | None) -> BatchItem:
    return BatchItem(
        number=number,
        input=address,
        status="skipped" if reason else "queued",
        size=entry.size,
        version=entry.version,
        modified=entry.modified,
        reason=reason,
    )


def _skip_reason(entry: Entry, wanted: Kind | None, batch: Batch) -> str | None:
    spec = batch.spec
    if entry.problem:
        return entry.problem
    if wanted and (other := skip_reason(entry.name, wanted, has_glob=spec.glob is not None)):
        return other
    age = time.time() - entry.modified if entry.modified is not None else spec.min_age_seconds
    if age < spec.min_age_seconds:
        return f"changed {max(0, age):.0f} s ago: it may still be growing"
    return None


def _wanted_kind(batch: Batch) -> Kind | None:
    defaults = batch.spec.defaults
    kind: Kind | None = kind_named(str(defaults.get("format"))) or defaults.get("kind")
    return kind


def _manifest_items(files: LineFiles, is_stopped: IsStopped) -> Iterator[BatchItem]:
    address = files.batch.spec.manifest or ""
    base = None if is_file_id(address) else split_address(normalized_address(address))[0]
    with _manifest_file(files, is_stopped) as file:
        for number, line in enumerate(read_manifest(file, MAX_LINES), 1):
            yield manifest_item(number, line, base)


def manifest_item(number: int, line: ManifestLine, base: str | None) -> BatchItem:
    """The item of a line; a relative input is one of the manifest's folder `base`."""
    if line.error is not None:
        failure = TaskError(line.error.code, line.error.message, line.error.field, "validate")
        return BatchItem(number=number, input=f"line {line.number}", status="failed", error=failure)
    named = next(line.fields[name] for name in INPUT_COLUMNS if name in line.fields)
    fields = storable_fields({name: value for name, value in line.fields.items() if name != "input"})
    return BatchItem(number=number, input=_input_address(named, base), fields=fields)


def _input_address(named: str, base: str | None) -> str:
    if is_file_id(named) or scheme_of(named) in ("http", "https"):
        return storable_text(named)
    if scheme_of(named) or named.startswith("/"):
        return normalized_address(named)
    return storable_text(named) if base is None else normalized_address(f"{base}/{named}")


@contextmanager
def _manifest_file(files: LineFiles, is_stopped: IsStopped) -> Iterator[BinaryIO]:
    """A copy, so that it does not change while it is read."""
    with scratch_folder(files.services.settings.scratch, "manifest") as folder:
        path = folder / "manifest"
        _fetch_manifest(files, path, is_stopped)
        with path.open("rb") as file:
            yield file


def require_manifest(file: File) -> str:
    """The storage key of a manifest. Raises `FieldInvalid` for another kind of file."""
    if file.facts.kind != "manifest":
        raise errors.FieldInvalid("The file is no manifest; upload it as CSV or JSON lines.", field="manifest")
    return require_stored(file)


def _fetch_manifest(files: LineFiles, path: Path, is_stopped: IsStopped) -> None:
    services, batch = files.services, files.batch
    address = batch.spec.manifest or ""
    if is_file_id(address):
        file = services.records.files.get(batch.project_id, address)
        services.objects.get(require_manifest(file), path, is_stopped)
    else:
        files.fetch(normalized_address(address), path, None, is_stopped)
