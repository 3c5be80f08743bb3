"""Imports: files that a flow run downloads from an address. Each has a File, which is `processing` until then."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, func, insert, or_, select, true, update

from penstock.domain import errors
from penstock.domain.attempts import QueueLimits
from penstock.domain.file_names import name_in_address
from penstock.domain.ids import FileId, ProjectId, new_file_id
from penstock.domain.task import NO_FACTS, File, TaskError
from penstock.records import notifications
from penstock.records.database import Database
from penstock.records.incoming.incoming_tables import IMPORTS
from penstock.records.new_tasks import notify
from penstock.records.rows import file_of, file_row
from penstock.records.tables import FILES

_LIVE = IMPORTS.c.status == "processing"
_AGAIN = {"owner": None, "beat": None, "run_id": None, "tries": 0, "due": func.now(), "status": "processing"}


@dataclass(frozen=True, slots=True)
class NewImport:
    """What a caller wants to import: the address, and what the file is called."""

    url: str
    name: str | None = None
    metadata: dict[str, Any] | None = None

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints of one project are one File."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ImportLease:
    """One attempt of an import, and its owner. The records accept statements of the present owner alone."""

    file_id: FileId
    attempt: int
    owner: str


@dataclass(frozen=True, slots=True)
class Import:
    """The file that a run imports, and from where."""

    file: File
    url: str


class Imports:
    """The imports of all projects. An attempt without heartbeats for `lease_seconds` can be taken by another owner."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def submit(self, project_id: ProjectId, wanted: NewImport, queue: QueueLimits) -> File:
        """The File of this import, new or existing; a failed one is tried again. Raises `QueueFull`."""
        with self._database.writing() as connection:
            # One submission of a project at a time: equal ones find each other, and the limit is exact.
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"import {project_id}", 0))))
            known = _find(connection, project_id, wanted)
            if known is not None and known.status != "failed":
                return known
            _require_room(connection, project_id, queue)
            file = _reopen(connection, known) if known else _create(connection, project_id, wanted)
            notify(connection, notifications.OUTBOX, file.id)
            return file

    def begin(self, lease: ImportLease, run_id: str) -> Import:
        """Take an attempt. Raises `Superseded` if it is another owner's or has ended."""
        free = or_(IMPORTS.c.owner.is_(None), IMPORTS.c.owner == lease.owner, IMPORTS.c.beat < func.now() - self._lease)
        taken = _attempt(lease.file_id, lease.attempt).where(_LIVE, free)
        values = {"owner": lease.owner, "run_id": run_id, "beat": func.now()}
        with self._database.writing() as connection:
            url = connection.execute(taken.values(values).returning(IMPORTS.c.url)).scalar()
            if url is None:
                raise _superseded()
            notify(connection, notifications.OUTBOX, lease.file_id)  # another one of this project may be submitted
            return Import(_file(connection, lease.file_id), url)

    def heartbeat(self, lease: ImportLease) -> bool:
        """Record a heartbeat. True: the import has ended, since its file was deleted. Raises `Superseded`."""
        with self._database.writing_one_statement() as connection:
            if connection.execute(_owned(lease).values(beat=func.now())).rowcount == 1:
                return False
            ended = select(IMPORTS.c.id).where(IMPORTS.c.id == lease.file_id, IMPORTS.c.attempt == lease.attempt)
            if connection.execute(ended.where(~_LIVE)).first() is None:
                raise _superseded()
            return True

    def complete(self, lease: ImportLease, stored: File) -> File:
        """The file is stored: publish its facts and its key. May be repeated. Raises `Superseded`."""
        facts = {name: value for name, value in file_row(stored).items() if name in (*asdict(stored.facts), "media")}
        ready = update(FILES).where(FILES.c.id == lease.file_id).values(key=stored.key, status="ready", **facts)
        with self._database.writing() as connection:
            file = _file(connection, lease.file_id, locked=True)
            if (file.status, file.key) == ("ready", stored.key):
                return file
            if connection.execute(_owned(lease).values(status="ended")).rowcount == 0:
                raise _superseded()
            connection.execute(ready.values(updated=func.now()))
            return _file(connection, lease.file_id)

    def fail(self, file_id: FileId, attempt: int, error: TaskError, owner: str | None = None) -> bool:
        """End an attempt without a file. False: it had ended, another one runs, or it is not the `owner`'s."""
        mine = or_(IMPORTS.c.owner.is_(None), IMPORTS.c.owner == owner) if owner else true()
        failed = update(FILES).where(FILES.c.id == file_id)
        with self._database.writing() as connection:
            _file(connection, file_id, locked=True)
            if connection.execute(_attempt(file_id, attempt).where(_LIVE, mine).values(status="ended")).rowcount == 0:
                return False
            connection.execute(failed.values(status="failed", error=asdict(error), updated=func.now()))
            return True

    def retry(self, file_id: FileId, attempt: int, *, losses: int) -> bool:
        """Give an import another run. False: it has ended, or another attempt runs."""
        again = _AGAIN | {"attempt": attempt + 1, "losses": IMPORTS.c.losses + losses}
        with self._database.writing() as connection:
            notify(connection, notifications.OUTBOX, file_id)
            return connection.execute(_attempt(file_id, attempt).where(_LIVE).values(again)).rowcount == 1


def end_import(connection: Connection, file_id: FileId) -> None:
    """The file was deleted: its run stops, and the same import again makes another file."""
    ended = update(IMPORTS).where(IMPORTS.c.id == file_id)
    connection.execute(ended.values(status="ended", fingerprint=None))


def _find(connection: Connection, project_id: ProjectId, wanted: NewImport) -> File | None:
    matching = (IMPORTS.c.project_id == project_id, IMPORTS.c.fingerprint == wanted.fingerprint)
    found = select(FILES).join(IMPORTS, IMPORTS.c.id == FILES.c.id).where(*matching).with_for_update(of=FILES)
    row = connection.execute(found).mappings().first()
    return file_of(row) if row else None


def _require_room(connection: Connection, project_id: ProjectId, queue: QueueLimits) -> None:
    counted = select(func.count(), func.count().filter(IMPORTS.c.project_id == project_id)).where(_LIVE)
    everybody, own = connection.execute(counted).one()
    if own >= queue.per_project or everybody >= queue.total:
        raise errors.QueueFull("Too many imports are unfinished; try again when some have ended.")


def _create(connection: Connection, project_id: ProjectId, wanted: NewImport) -> File:
    file_id, now = new_file_id(), connection.execute(select(func.now())).scalar_one()
    name = wanted.name or name_in_address(wanted.url)
    new = File(
        file_id, project_id, "file", NO_FACTS, f"{project_id}/{file_id}", None, now, now,
        name=name, status="processing", metadata=wanted.metadata,
    )  # fmt: skip
    connection.execute(insert(FILES).values(file_row(new)))
    row = {"id": file_id, "project_id": project_id, "fingerprint": wanted.fingerprint, "url": wanted.url}
    connection.execute(insert(IMPORTS).values(row))
    return _file(connection, file_id)


def _reopen(connection: Connection, failed: File) -> File:
    again = _AGAIN | {"attempt": IMPORTS.c.attempt + 1, "losses": 0}
    connection.execute(update(IMPORTS).where(IMPORTS.c.id == failed.id).values(again))
    opened = update(FILES).where(FILES.c.id == failed.id)
    connection.execute(opened.values(status="processing", error=None, updated=func.now()))
    return _file(connection, failed.id)


def _file(connection: Connection, file_id: FileId, *, locked: bool = False) -> File:
    found = select(FILES).where(FILES.c.id == file_id)
    return file_of(connection.execute(found.with_for_update() if locked else found).mappings().one())


def _attempt(file_id: FileId, attempt: int) -> Update:
    return update(IMPORTS).where(IMPORTS.c.id == file_id, IMPORTS.c.attempt == attempt)


def _owned(lease: ImportLease) -> Update:
    mine: ColumnElement[bool] = IMPORTS.c.owner == lease.owner
    return _attempt(lease.file_id, lease.attempt).where(_LIVE, mine)


def _superseded() -> errors.Superseded:
    return errors.Superseded("Another run has taken this import, or it has ended.")
