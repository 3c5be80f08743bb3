"""Equal conversions of a project, by their digest: outputs that can be reused, and the attempt that makes one."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Interval, bindparam, exists, func, literal, or_, select, update

from penstock.domain.ids import ProjectId, TaskId
from penstock.domain.receipt import Checks
from penstock.domain.reuse import Claim, EarlierOutput
from penstock.records.database import Database
from penstock.records.rows import file_of
from penstock.records.tables import CHUNKS, FILES, RECEIPTS, TASKS

# Task, number and owner of an attempt. A task of a chunk has no owner of its own: its chunk has.
AttemptOwner = tuple[TaskId, int, str | None]

_CHECKS = TypeAdapter(Checks)
_EARLIER = (
    select(FILES, RECEIPTS.c.body)
    .join(RECEIPTS, RECEIPTS.c.file_id == FILES.c.id)
    .where(FILES.c.project_id == bindparam("owner"), FILES.c.conversion == bindparam("digest"))
    .where(FILES.c.deleted.is_(None), FILES.c.location.is_(None))  # what is at a destination may be changed by others
    .order_by(FILES.c.created.desc())
    .limit(1)
)
_ALIVE_SINCE = func.now() - bindparam("lease", type_=Interval)
_IN_LIVE_CHUNK = exists().where(
    CHUNKS.c.id == TASKS.c.chunk_id, CHUNKS.c.status == "processing", CHUNKS.c.beat > _ALIVE_SINCE
)
_MADE_BY_ANOTHER = (
    select(TASKS.c.id)
    .where(TASKS.c.project_id == bindparam("owner"), TASKS.c.conversion == bindparam("digest"))
    .where(TASKS.c.id != bindparam("task"), or_(TASKS.c.beat > _ALIVE_SINCE, _IN_LIVE_CHUNK))
    .where(TASKS.c.status == literal("processing", literal_execute=True))  # else its partial index is not used
    .limit(1)
)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)))


class Conversions:
    """The conversions of all projects. An attempt without heartbeats for `lease_seconds` makes nothing any more."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def find(self, project_id: ProjectId, digests: Collection[str]) -> dict[str, EarlierOutput]:
        """The latest outputs of these conversions that are not deleted, by digest."""
        with self._database.reading() as connection:
            found = {digest: _find(connection, project_id, digest) for digest in digests}
        return {digest: output for digest, output in found.items() if output is not None}

    def claim(self, project_id: ProjectId, attempts: Mapping[str, AttemptOwner]) -> dict[str, Claim]:
        """For each digest: the output to reuse, or whether its attempt now makes it. Of several attempts one makes it,
        until it ends or is lost; the others ask again.

        An attempt must not wait for a digest while it holds another that is not recorded yet."""
        with self._database.writing() as connection:
            # Always in the same order, so that two transactions never wait for each other.
            claims = {
                digest: self._claim(connection, project_id, digest, attempts[digest][0]) for digest in sorted(attempts)
            }
            ours = sorted(
                (digest for digest, claim in claims.items() if claim.is_ours), key=lambda each: attempts[each][0]
            )
            return claims | {digest: Claim(is_ours=_record(connection, attempts[digest], digest)) for digest in ours}

    def _claim(self, connection: Connection, project_id: ProjectId, digest: str, task_id: TaskId) -> Claim:
        connection.execute(_LOCK, {"name": f"{project_id} {digest}"})
        parameters = {"owner": project_id, "digest": digest, "task": task_id, "lease": self._lease}
        if connection.execute(_MADE_BY_ANOTHER, parameters).first() is not None:
            return Claim()
        # Looked up last: an attempt that is not unfinished any more has committed its output before.
        earlier = _find(connection, project_id, digest)
        return Claim(earlier, is_ours=earlier is None)


def hold_bytes(connection: Connection, key: str) -> bool:
    """Lock a file that names these bytes, so that it cannot be deleted before the transaction ends. False: all such
    files are deleted; no other can be recorded then, so the bytes can be removed."""
    naming = select(FILES.c.id).where(FILES.c.key == key, FILES.c.purged.is_(None), FILES.c.deleted.is_(None))
    latest = naming.order_by(FILES.c.created.desc()).limit(1)
    return connection.execute(latest.with_for_update(read=True)).first() is not None


def _find(connection: Connection, project_id: ProjectId, digest: str) -> EarlierOutput | None:
    row: Any = connection.execute(_EARLIER, {"owner": project_id, "digest": digest}).mappings().first()
    return EarlierOutput(file_of(row), _CHECKS.validate_python(row["body"]["checks"])) if row else None


def _record(connection: Connection, attempt: AttemptOwner, digest: str) -> bool:
    """False: the attempt has ended, or is another owner's."""
    task_id, number, owner = attempt
    statement = (
        update(TASKS)
        .where(TASKS.c.id == task_id, TASKS.c.attempt == number, TASKS.c.owner.is_not_distinct_from(owner))
        .where(TASKS.c.status == "processing")
        .values(conversion=digest)
    )
    return connection.execute(statement).rowcount == 1
