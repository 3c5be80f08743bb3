"""Removes what retention, deletions and crashes leave in the storage and on this disk. Each function may be stopped
half-way and repeated."""

import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from pathlib import Path

from penstock.domain import errors
from penstock.domain.ids import ALPHABET, ProjectId, is_stored_key
from penstock.domain.task import File
from penstock.records import Records
from penstock.storage.local_files import list_files_in
from penstock.storage.object_store import ObjectStore, StoredObject

log = logging.getLogger(__name__)

PAGE = 1_000
MAX_RETIRED = 10_000
# After so many failed deletions in a row the storage counts as unavailable.
MAX_FAILED_IN_A_ROW = 20
# One sweep lists at most this many objects, from a random key on: later sweeps list the others.
MAX_LISTED = 100_000
DAY_SECONDS = 24 * 3600.0
# A file is stored in `upload` and recorded in `record`: at most five tries of an hour and five of a minute. An older
# object without a record will never get one.
ORPHAN_SECONDS = 2 * DAY_SECONDS
# Prefect deletes runs after 30 days (`orchestration.prefect_server`); their results cannot be read after that.
RESULT_SECONDS = 31 * DAY_SECONDS
# What Prefect's result file of a failed stage of ours contains.
_ERROR_MARK = b"__exc_type__"
_OUR_ERRORS = b"penstock.domain.errors."
_MAX_RESULT_BYTES = 65_536


def retire_files(records: Records, days: float) -> int:
    """Delete files older than `days`, unless a task reads them; returns how many."""
    return sum(_is_deleted(file, records) for file in records.files.list_older(days, MAX_RETIRED))


def _is_deleted(file: File, records: Records) -> bool:
    try:
        records.files.delete(file.project_id, file.id)
    except (errors.FileInUse, errors.FileNotFound):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Purged:
    """How many deleted files have lost their bytes, and how many could not be removed."""

    removed: int = 0
    failed: int = 0


def purge_deleted(records: Records, objects: ObjectStore) -> Purged:
    """Remove the bytes of deleted files. A file that cannot be removed is retried by the next sweep.

    Raises `StorageUnavailable` after `MAX_FAILED_IN_A_ROW` failures."""
    removed = failed = in_a_row = 0
    for file in _deleted(records):
        if _is_purged(file, records, objects):
            removed, in_a_row = removed + 1, 0
            continue
        failed, in_a_row = failed + 1, in_a_row + 1
        if in_a_row == MAX_FAILED_IN_A_ROW:
            raise errors.StorageUnavailable("The storage cannot delete files at the moment.")
    return Purged(removed, failed)


def _deleted(records: Records) -> Iterator[File]:
    after = ""
    while page := records.files.list_unpurged(PAGE, after):
        yield from page
        after = page[-1].id


def _is_purged(file: File, records: Records, objects: ObjectStore) -> bool:
    try:
        purge(file, records, objects)
    except errors.StorageUnavailable as error:
        log.warning("%s could not be removed from the storage: %s", file.id, error.detail)
        return False
    return True


def purge(file: File, records: Records, objects: ObjectStore) -> None:
    """Remove the bytes of a deleted file, unless another file has the same ones, or they are at a batch's destination.

    Raises `StorageUnavailable`."""
    if file.location is None and not records.files.is_key_named(file.key):
        objects.delete(file.key)
    records.files.mark_purged(file.id)


def remove_orphans(records: Records, objects: ObjectStore, older_than_seconds: float = ORPHAN_SECONDS) -> int:
    """Remove objects that no file names: their runs died before they could record them. Returns how many.

    Only below our projects, only keys of our form, and only what no run can still record."""
    before = time.time() - older_than_seconds
    projects = list(records.keys.project_ids())
    random.shuffle(projects)
    found = chain.from_iterable(_objects_of(project, objects) for project in projects)
    old = (kept.key for kept in islice(found, MAX_LISTED) if kept.written < before and is_stored_key(kept.key))
    return sum(_is_removed(key, objects) for keys in _batches(old) for key in records.files.find_unknown_keys(keys))


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, PAGE)):
        yield batch


def _objects_of(project: ProjectId, objects: ObjectStore) -> Iterator[StoredObject]:
    """All objects of a project, from a random key on, then those before it."""
    start = f"{project}/file_{random.choice(ALPHABET)}"  # noqa: S311 - only a place to start
    before = takewhile(lambda kept: kept.key <= start, objects.list_files(project))
    return chain(objects.list_files(project, start), before)


def _is_removed(key: str, objects: ObjectStore) -> bool:
    try:
        objects.delete(key)
    except errors.StorageUnavailable as error:
        log.warning("an orphaned object could not be removed: %s", error.detail)
        return False
    log.info("removed the orphaned object %s", key)
    return True


def remove_failed_results(folder: Path, now: float) -> int:
    """Remove the results that Prefect stores of failed stages of ours, after a day; returns how many.

    Other files are left alone: the folder may be shared with other flows."""
    return sum(_unlink(path) for path in _older(folder, now, DAY_SECONDS) if _is_our_failure(path))


def remove_expired_results(folder: Path, now: float) -> int:
    """Remove all results whose runs Prefect has deleted, from a folder that only our own Prefect writes to."""
    return sum(_unlink(path) for path in _older(folder, now, RESULT_SECONDS))


def _older(folder: Path, now: float, seconds: float) -> Iterator[Path]:
    return (folder / name for name, written in list_files_in(folder) if now - written > seconds)


def _is_our_failure(path: Path) -> bool:
    try:
        if path.stat().st_size > _MAX_RESULT_BYTES:
            return False
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return _ERROR_MARK in content and _OUR_ERRORS in content


def _unlink(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True
