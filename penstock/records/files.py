"""The files: uploads and outputs. A deleted one keeps its row until its bytes are gone, and is shown to nobody."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, case, false, func, insert, select, update

from penstock.domain import errors
from penstock.domain.access import LinkedFile
from penstock.domain.ids import FileId, ProjectId, is_id
from penstock.domain.listing import MAX_TOTAL, Listing, ListQuery
from penstock.domain.request import canonical_file_id
from penstock.domain.task import File
from penstock.records.database import Database
from penstock.records.rows import file_of, file_row
from penstock.records.tables import FILES, PROJECTS, TASKS

_KEPT = FILES.c.deleted.is_(None)


class Files:
    """File rows. `med_…` names the same file as `file_…`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, file: File) -> File:
        """Keep an upload's row; answers it with the database's times."""
        with self._database.writing() as connection:
            row = connection.execute(insert(FILES).values(file_row(file)).returning(*FILES.c))
            return file_of(row.mappings().one())

    def get(self, project_id: ProjectId, file_id: str) -> File:
        """Raises `FileNotFound`, also for another project's and a deleted one."""
        with self._database.reading() as connection:
            return _own(connection, project_id, file_id)

    def get_input(self, project_id: ProjectId, file_id: str) -> File:
        """The same of a file that a request names."""
        try:
            return self.get(project_id, file_id)
        except errors.FileNotFound as unknown:
            raise errors.FileNotFound(unknown.message, field="file_id") from unknown

    def page(
        self, project_id: ProjectId, query: ListQuery, only: Literal["source", "file"] | None = None
    ) -> Listing[File]:
        """All files of a project, or only its outputs (`source`) or uploads (`file`)."""
        matching = _matching(project_id, query, only)
        order = (getattr(FILES.c.created, query.order)(), getattr(FILES.c.id, query.order)())
        shown = select(FILES).where(*matching).order_by(*order).limit(query.limit).offset(query.offset)
        counted = select(func.count()).select_from(select(FILES.c.id).where(*matching).limit(MAX_TOTAL).subquery())
        with self._database.reading() as connection:
            items = tuple(file_of(row) for row in connection.execute(shown).mappings())
            return Listing(items, connection.execute(counted).scalar_one(), query)

    def delete(self, project_id: ProjectId, file_id: str) -> File:
        """Hide a file for good; its bytes are the caller's to remove. Raises `FileInUse`, `FileNotFound`."""
        with self._database.writing() as connection:
            name = _own(connection, project_id, file_id).id
            connection.execute(select(FILES.c.id).where(FILES.c.id == name).with_for_update())
            file = _own(connection, project_id, name)
            _require_idle(connection, file)
            gone = update(FILES).where(FILES.c.id == name).values(deleted=func.now(), updated=func.now())
            connection.execute(gone)
            return file

    def get_for_link(self, file_id: str) -> LinkedFile:
        """Whosever file it is, with the secrets of its project's links. Raises `FileNotFound`."""
        before = case((PROJECTS.c.previous_until > func.now(), PROJECTS.c.previous_secret)).label("before")
        wanted = (
            select(FILES, PROJECTS.c.secret, before)
            .join(PROJECTS, PROJECTS.c.id == FILES.c.project_id)
            .where(FILES.c.id == canonical_file_id(file_id), _KEPT)
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first() if is_id(file_id) else None
        if row is None:
            raise _unknown()
        return LinkedFile(file_of(row), tuple(secret for secret in (row["secret"], row["before"]) if secret))

    def is_recorded(self, file_id: FileId) -> bool:
        """Whether there is a row of this file, whosever it is."""
        with self._database.reading() as connection:
            return connection.execute(select(FILES.c.id).where(FILES.c.id == file_id)).first() is not None

    def list_unpurged(self, limit: int, after: str = "") -> Sequence[File]:
        """Deleted files whose bytes may still be there, by id from `after` on."""
        left = select(FILES).where(FILES.c.deleted.is_not(None), FILES.c.purged.is_(None), FILES.c.id > after)
        left = left.order_by(FILES.c.id).limit(limit)
        with self._database.reading() as connection:
            return [file_of(row) for row in connection.execute(left).mappings()]

    def mark_purged(self, file_id: FileId) -> None:
        """Note that a deleted file's bytes are gone."""
        with self._database.writing() as connection:
            connection.execute(update(FILES).where(FILES.c.id == file_id).values(purged=func.now()))

    def find_unknown_keys(self, keys: Sequence[str]) -> set[str]:
        """Which of these places in the storage belong to no file, shown or deleted but not purged yet."""
        ids = [key.rpartition("/")[2] for key in keys]
        held = select(FILES.c.key).where(FILES.c.id.in_(ids), FILES.c.purged.is_(None))
        with self._database.reading() as connection:
            return set(keys) - set(connection.execute(held).scalars())

    def list_older(self, days: float, limit: int) -> Sequence[File]:
        """Files made so long ago, the oldest first."""
        before = func.now() - timedelta(days=days)
        aged = select(FILES).where(_KEPT, FILES.c.created < before).order_by(FILES.c.created).limit(limit)
        with self._database.reading() as connection:
            return [file_of(row) for row in connection.execute(aged).mappings()]


def _own(connection: Connection, project_id: ProjectId, file_id: str) -> File:
    mine = select(FILES).where(FILES.c.id == canonical_file_id(file_id), FILES.c.project_id == project_id, _KEPT)
    row = connection.execute(mine).mappings().first() if is_id(file_id) else None
    if row is None:
        raise _unknown()
    return file_of(row)


def _unknown() -> errors.FileNotFound:
    return errors.FileNotFound("There is no such file.")


def _require_idle(connection: Connection, file: File) -> None:
    reading = select(TASKS.c.id).where(TASKS.c.file_id == file.id, TASKS.c.status == "processing").limit(1)
    if connection.execute(reading).first() is not None:
        raise errors.FileInUse("An unfinished task uses this file; cancel the task, or wait until it ends.")


def _matching(project_id: ProjectId, query: ListQuery, only: str | None) -> list[ColumnElement[bool]]:
    wanted: dict[str, Any] = {"kind": query.kind, "format": query.format, "object": only}
    filters = [FILES.c[name] == value for name, value in wanted.items() if value is not None]
    if query.status not in (None, "completed"):  # a file is there or it is not
        filters.append(false())
    return [FILES.c.project_id == project_id, _KEPT, *filters]
