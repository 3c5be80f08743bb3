"""The records of files. A deleted file is hidden, and its row is kept until its bytes are deleted too."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from penstock.domain import errors
from penstock.domain.api_keys import LinkedFile
from penstock.domain.ids import FileId, ProjectId, is_id
from penstock.domain.pagination import MAX_TOTAL, Listing, ListQuery
from penstock.domain.request import canonical_file_id
from penstock.domain.task import File
from penstock.records.database import Database
from penstock.records.incoming.imports import end_import
from penstock.records.rows import file_of, file_row
from penstock.records.tables import FILES, PROJECTS, TASKS

# The words of tasks for those of files.
_STATUSES = {"completed": "ready"}
_NOT_DELETED = FILES.c.deleted.is_(None)


class Files:
    """The files of all projects. Ids may be written `med_…` or `file_…`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, file: File) -> File:
        """Insert an upload; returns it with the database's times. Raises `FileInUse` if its id is taken."""
        added = insert(FILES).values(file_row(file)).on_conflict_do_nothing(index_elements=["id"])
        with self._database.writing() as connection:
            row = connection.execute(added.returning(*FILES.c)).mappings().first()
            if row is None:
                raise errors.FileInUse("There is a file with this id already.")
            return file_of(row)

    def get(self, project_id: ProjectId, file_id: str) -> File:
        """Raises `FileNotFound`, also for a deleted file and for one of another project."""
        with self._database.reading() as connection:
            return _own(connection, project_id, file_id)

    def get_input(self, project_id: ProjectId, file_id: str) -> File:
        """The file in the field `file_id` of a request; errors name that field."""
        try:
            return self.get(project_id, file_id)
        except errors.FileNotFound as error:
            raise errors.FileNotFound(error.message, field="file_id") from error

    def page(
        self, project_id: ProjectId, query: ListQuery, only: Literal["source", "file"] | None = None
    ) -> Listing[File]:
        """A page of the project's files, or only of its outputs (`source`) or uploads (`file`)."""
        matching = _matching(project_id, query, only)
        order = (getattr(FILES.c.created, query.order)(), getattr(FILES.c.id, query.order)())
        shown = select(FILES).where(*matching).order_by(*order).limit(query.limit).offset(query.offset)
        counted = select(func.count()).select_from(select(FILES.c.id).where(*matching).limit(MAX_TOTAL).subquery())
        with self._database.reading() as connection:
            items = tuple(file_of(row) for row in connection.execute(shown).mappings())
            return Listing(items, connection.execute(counted).scalar_one(), query)

    def update(
        self, project_id: ProjectId, file_id: str, name: str | None = None, metadata: dict[str, Any] | None = None
    ) -> File:
        """Change what is given. Raises `FileNotFound`."""
        given = {"name": name, "metadata": metadata}
        changed = {column: value for column, value in given.items() if value is not None}
        with self._database.writing() as connection:
            canonical_id = _own(connection, project_id, file_id).id
            mine = update(FILES).where(FILES.c.id == canonical_id, _NOT_DELETED)
            connection.execute(mine.values(updated=func.now(), **changed))
            return _own(connection, project_id, canonical_id)

    def delete(self, project_id: ProjectId, file_id: str) -> File:
        """Mark a file deleted; the caller deletes its bytes (`cleanup.purge`). Raises `FileInUse`, `FileNotFound`."""
        with self._database.writing() as connection:
            canonical_id = _own(connection, project_id, file_id).id
            connection.execute(select(FILES.c.id).where(FILES.c.id == canonical_id).with_for_update())
            file = _own(connection, project_id, canonical_id)
            _require_unused(connection, file)
            end_import(connection, canonical_id)
            purged = None if file.location is None else func.now()  # its bytes are not ours
            deleted = update(FILES).where(FILES.c.id == canonical_id)
            connection.execute(deleted.values(deleted=func.now(), updated=func.now(), purged=purged))
            return file

    def get_for_link(self, file_id: str) -> LinkedFile:
        """The file of any project, with the secrets that may have signed its link. Raises `FileNotFound`."""
        before = case((PROJECTS.c.previous_until > func.now(), PROJECTS.c.previous_secret)).label("before")
        wanted = (
            select(FILES, PROJECTS.c.secret, before)
            .join(PROJECTS, PROJECTS.c.id == FILES.c.project_id)
            .where(FILES.c.id == canonical_file_id(file_id), _NOT_DELETED)
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first() if is_id(file_id) else None
        if row is None:
            raise _unknown()
        return LinkedFile(file_of(row), tuple(secret for secret in (row["secret"], row["before"]) if secret))

    def is_recorded(self, file_id: FileId) -> bool:
        """Whether the file has a row, in any project."""
        with self._database.reading() as connection:
            return connection.execute(select(FILES.c.id).where(FILES.c.id == file_id)).first() is not None

    def project_of(self, file_id: FileId) -> ProjectId:
        """The project of a file, deleted or not."""
        with self._database.reading() as connection:
            return ProjectId(connection.execute(select(FILES.c.project_id).where(FILES.c.id == file_id)).scalar_one())

    def list_unpurged(self, limit: int, after: str = "") -> Sequence[File]:
        """Deleted files whose bytes may still exist, by id, after the id `after`."""
        left = select(FILES).where(FILES.c.deleted.is_not(None), FILES.c.purged.is_(None), FILES.c.id > after)
        left = left.order_by(FILES.c.id).limit(limit)
        with self._database.reading() as connection:
            return [file_of(row) for row in connection.execute(left).mappings()]

    def is_key_named(self, key: str) -> bool:
        """Whether a file that is not deleted has its bytes under this storage key."""
        naming = select(FILES.c.id).where(FILES.c.key == key, FILES.c.purged.is_(None), _NOT_DELETED).limit(1)
        with self._database.reading() as connection:
            return connection.execute(naming).first() is not None

    def mark_purged(self, file_id: FileId) -> None:
        """Record that the bytes of a deleted file are deleted, or left to another file."""
        with self._database.writing() as connection:
            connection.execute(update(FILES).where(FILES.c.id == file_id).values(purged=func.now()))

    def find_unknown_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of these storage keys that belong to no file; deleted files count until they are purged."""
        held = select(FILES.c.key).where(FILES.c.key.in_(keys), FILES.c.purged.is_(None)).distinct()
        with self._database.reading() as connection:
            return set(keys) - set(connection.execute(held).scalars())

    def list_older(self, days: float, limit: int) -> Sequence[File]:
        """Files created more than `days` ago, the oldest first."""
        before = func.now() - timedelta(days=days)
        aged = select(FILES).where(_NOT_DELETED, FILES.c.created < before).order_by(FILES.c.created).limit(limit)
        with self._database.reading() as connection:
            return [file_of(row) for row in connection.execute(aged).mappings()]


def _own(connection: Connection, project_id: ProjectId, file_id: str) -> File:
    mine = select(FILES).where(FILES.c.id == canonical_file_id(file_id), FILES.c.project_id == project_id, _NOT_DELETED)
    row = connection.execute(mine).mappings().first() if is_id(file_id) else None
    if row is None:
        raise _unknown()
    return file_of(row)


def _unknown() -> errors.FileNotFound:
    return errors.FileNotFound("There is no such file.")


def _require_unused(connection: Connection, file: File) -> None:
    reading = select(TASKS.c.id).where(TASKS.c.file_id == file.id, TASKS.c.status == "processing").limit(1)
    if connection.execute(reading).first() is not None:
        raise errors.FileInUse("An unfinished task uses this file; cancel the task, or wait until it ends.")


def _matching(project_id: ProjectId, query: ListQuery, only: str | None) -> list[ColumnElement[bool]]:
    status = query.status and _STATUSES.get(query.status, query.status)
    wanted: dict[str, Any] = {"kind": query.kind, "format": query.format, "object": only, "status": status}
    filters = [FILES.c[name] == value for name, value in wanted.items() if value is not None]
    return [FILES.c.project_id == project_id, _NOT_DELETED, *filters]
