"""Equal conversions of a project, by their digest: outputs that can be reused, and the attempt that makes one."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Connection,
    Interval,
    RowMapping,
    Select,
    String,
    bindparam,
    func,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from penstock.domain.ids import ProjectId, TaskId
from penstock.domain.receipt import Checks
from penstock.domain.reuse import Claim, EarlierOutput
from penstock.records.database import Database
from penstock.records.rows import file_of
from penstock.records.tables import FILES, RECEIPTS

# Task, number and owner of an attempt. A task of a chunk has no owner of its own: its chunk has.
AttemptOwner = tuple[TaskId, int, str | None]

_CHECKS = TypeAdapter(Checks)

# In the order of the names, so that two transactions never wait for each other.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name")
_MADE_BY_OTHERS = text("""
    SELECT wanted.digest
    FROM unnest(CAST(:digests AS text[]), CAST(:tasks AS text[])) AS wanted (digest, task)
    JOIN tasks ON tasks.project_id = :owner AND tasks.conversion = wanted.digest AND tasks.id <> wanted.task
    LEFT JOIN chunks ON chunks.id = tasks.chunk_id AND chunks.status = 'processing'
    WHERE tasks.status = 'processing' AND greatest(tasks.beat, chunks.beat) > now() - :lease
""").bindparams(bindparam("lease", type_=Interval))
_RECORD = text("""
    WITH locked AS (
        SELECT id FROM tasks WHERE id = ANY(CAST(:tasks AS text[])) ORDER BY id FOR UPDATE
    ), wanted AS (
        SELECT * FROM unnest(
            CAST(:digests AS text[]), CAST(:tasks AS text[]), CAST(:numbers AS int[]), CAST(:owners AS text[])
        ) AS given (digest, task, number, owner) JOIN locked ON locked.id = given.task
    )
    UPDATE tasks SET conversion = wanted.digest FROM wanted
    WHERE tasks.id = wanted.task AND tasks.attempt = wanted.number AND tasks.status = 'processing'
    AND tasks.owner IS NOT DISTINCT FROM wanted.owner
    RETURNING wanted.digest
""")


def _latest_outputs(place: ColumnElement[bool], limit: int) -> Select[Any]:
    wanted = func.unnest(bindparam("digests", type_=ARRAY(String))).table_valued("digest").render_derived("wanted")
    latest = (
        select(FILES, RECEIPTS.c.body)
        .join(RECEIPTS, RECEIPTS.c.file_id == FILES.c.id)
        .where(
            FILES.c.project_id == bindparam("owner"), FILES.c.conversion == wanted.c.digest, FILES.c.deleted.is_(None)
        )
        .where(place)
        .order_by(FILES.c.created.desc())
        .limit(limit)
        .lateral("latest")
    )
    return select(latest).select_from(wanted).join(latest, true())


_LATEST_OUTPUTS = _latest_outputs(FILES.c.location.is_(None), 1)
# What is at a destination may be changed by others, so that several are tried.
_PUBLISHED_OUTPUTS = _latest_outputs(FILES.c.location.is_not(None), 4)


class Conversions:
    """The conversions of all projects. An attempt without heartbeats for `lease_seconds` makes nothing any more."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def find(self, project_id: ProjectId, digests: Collection[str]) -> dict[str, EarlierOutput]:
        """The latest outputs of these conversions that are not deleted, by digest."""
        with self._database.reading() as connection:
            return _find(connection, project_id, digests)

    def find_published(self, project_id: ProjectId, digests: Collection[str]) -> dict[str, list[EarlierOutput]]:
        """The latest outputs of these conversions at destinations of batches, at most four of each. Others may have
        changed them since."""
        parameters = {"owner": project_id, "digests": list(digests)}
        found: dict[str, list[EarlierOutput]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(_PUBLISHED_OUTPUTS, parameters).mappings():
                found.setdefault(row["conversion"], []).append(_earlier_output(row))
        return found

    def claim(self, project_id: ProjectId, attempts: Mapping[str, AttemptOwner]) -> dict[str, Claim]:
        """For each digest: the output to reuse, or whether its attempt now makes it. Of several attempts one makes it,
        until it ends or is lost; the others ask again.

        An attempt must not wait for a digest while it holds another that is not recorded yet."""
        with self._database.writing() as connection:
            connection.execute(_LOCK, {"names": [f"{project_id} {digest}" for digest in sorted(attempts)]})
            free = attempts.keys() - self._made_by_others(connection, project_id, attempts)
            # Looked up after that: an attempt that has ended in between has committed its output.
            earlier = _find(connection, project_id, free)
            ours = _record(connection, {digest: attempts[digest] for digest in free - earlier.keys()})
        return {digest: Claim(earlier.get(digest), digest in ours) for digest in attempts}

    def _made_by_others(
        self, connection: Connection, project_id: ProjectId, attempts: Mapping[str, AttemptOwner]
    ) -> set[str]:
        tasks = [attempt[0] for attempt in attempts.values()]
        parameters = {"owner": project_id, "digests": list(attempts), "tasks": tasks, "lease": self._lease}
        return set(connection.execute(_MADE_BY_OTHERS, parameters).scalars())


def hold_bytes(connection: Connection, key: str) -> bool:
    """Lock a file that names these bytes, so that it cannot be deleted before the transaction ends. False: all such
    files are deleted; no other can be recorded then, so the bytes can be removed."""
    naming = select(FILES.c.id).where(FILES.c.key == key, FILES.c.purged.is_(None), FILES.c.deleted.is_(None))
    latest = naming.order_by(FILES.c.created.desc()).limit(1)
    return connection.execute(latest.with_for_update(read=True)).first() is not None


def _find(connection: Connection, project_id: ProjectId, digests: Collection[str]) -> dict[str, EarlierOutput]:
    rows = connection.execute(_LATEST_OUTPUTS, {"owner": project_id, "digests": list(digests)}).mappings()
    return {row["conversion"]: _earlier_output(row) for row in rows}


def _earlier_output(row: RowMapping) -> EarlierOutput:
    return EarlierOutput(file_of(row), _CHECKS.validate_python(row["body"]["checks"]))


def _record(connection: Connection, attempts: Mapping[str, AttemptOwner]) -> set[str]:
    """The digests whose attempts still are these owners'."""
    if not attempts:
        return set()
    tasks, numbers, owners = (list(each) for each in zip(*attempts.values(), strict=True))
    parameters = {"digests": list(attempts), "tasks": tasks, "numbers": numbers, "owners": owners}
    return set(connection.execute(_RECORD, parameters).scalars())
