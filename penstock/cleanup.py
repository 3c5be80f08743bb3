"""What deletions and crashes left in the storage and on this disk. Each sweep may be stopped half-way and repeated."""

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
from penstock.storage.disk import list_files_in
from penstock.storage.objects import ObjectStore, StoredObject

log = logging.getLogger(__name__)

AT_ONCE = 1_000
# A storage that refuses so many files one after the other is away.
REFUSED_IN_A_ROW = 20
# A sweep looks at no more stored files than this, from a random place on: the next ones see the others.
LISTED = 100_000
DAY_SECONDS = 24 * 3600.0
# A file is stored in `upload` and recorded in `record`: five tries of an hour and five of a minute. What is so old and
# was not recorded never will be.
ORPHAN_SECONDS = 2 * DAY_SECONDS
# Prefect forgets runs after 30 days (`orchestration.server`): nobody can ask for their results after that.
RESULT_SECONDS = 31 * DAY_SECONDS
# What the result of a stage of ours that failed holds, in the file that Prefect leaves of each.
_FAILURE = b"__exc_type__"
_OURS = b"penstock.domain.errors."
_RESULT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Purged:
    """How many deleted files are gone, and how many the storage kept."""

    gone: int = 0
    kept: int = 0


def purge(records: Records, objects: ObjectStore) -> Purged:
    """Remove the bytes of deleted files. One that cannot be removed now keeps none of the others, and is tried again
    by the next sweep. Raises `StorageUnavailable` where nothing can be removed."""
    gone = kept = in_a_row = 0
    for file in _deleted(records):
        if _purged(file, records, objects):
            gone, in_a_row = gone + 1, 0
            continue
        kept, in_a_row = kept + 1, in_a_row + 1
        if in_a_row == REFUSED_IN_A_ROW:
            raise errors.StorageUnavailable("The storage removes nothing at the moment.")
    return Purged(gone, kept)


def _deleted(records: Records) -> Iterator[File]:
    after = ""
    while deleted := records.files.list_unpurged(AT_ONCE, after):
        yield from deleted
        after = deleted[-1].id


def _purged(file: File, records: Records, objects: ObjectStore) -> bool:
    try:
        objects.delete(file.key)
    except errors.StorageUnavailable as refused:
        log.warning("%s could not be removed from the storage: %s", file.id, refused.detail)
        return False
    records.files.mark_purged(file.id)
    return True


def clear_orphans(records: Records, objects: ObjectStore, older_than_seconds: float = ORPHAN_SECONDS) -> int:
    """Remove what was stored by runs that died before they could record it; answers how many.

    Only below our projects, only under keys of our form, and only what no run could still record."""
    before = time.time() - older_than_seconds
    projects = list(records.keys.project_ids())
    random.shuffle(projects)
    found = chain.from_iterable(_kept_of(project, objects) for project in projects)
    old = (kept.key for kept in islice(found, LISTED) if kept.written < before and is_stored_key(kept.key))
    return sum(_removed(key, objects) for keys in _batches(old) for key in records.files.find_unknown_keys(keys))


def _batches(keys: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(keys, AT_ONCE)):
        yield batch


def _kept_of(project: ProjectId, objects: ObjectStore) -> Iterator[StoredObject]:
    """All that is stored for a project, from a random place round to it again."""
    start = f"{project}/file_{random.choice(ALPHABET)}"  # noqa: S311 - only a place to begin
    before = takewhile(lambda kept: kept.key <= start, objects.list_files(project))
    return chain(objects.list_files(project, start), before)


def _removed(key: str, objects: ObjectStore) -> bool:
    try:
        objects.delete(key)
    except errors.StorageUnavailable as refused:
        log.warning("an orphan could not be removed from the storage: %s", refused.detail)
        return False
    log.info("removed %s, which no file names", key)
    return True


def clear_failures(folder: Path, now: float) -> int:
    """Remove the results that Prefect keeps of failed stages of ours, after a day; answers how many. Whatever else is
    in the folder is left alone: it may be anybody's."""
    return sum(_cleared(path) for path in _older(folder, now, DAY_SECONDS) if _tells_our_failure(path))


def clear_forgotten(folder: Path, now: float) -> int:
    """Remove the results whose runs Prefect has forgotten, from a folder that only a Prefect of ours writes to."""
    return sum(_cleared(path) for path in _older(folder, now, RESULT_SECONDS))


def _older(folder: Path, now: float, seconds: float) -> Iterator[Path]:
    return (folder / name for name, written in list_files_in(folder) if now - written > seconds)


def _tells_our_failure(path: Path) -> bool:
    try:
        if path.stat().st_size > _RESULT_BYTES:
            return False
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return _FAILURE in content and _OURS in content


def _cleared(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True
