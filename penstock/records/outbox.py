"""The outbox: attempts that need a flow run. A dispatcher claims them for 30 s; after that another may."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Interval, bindparam, delete, func, select, text, update

from penstock.domain.attempts import OutboxEntry
from penstock.domain.ids import TaskId
from penstock.records.tables import OUTBOX, TASKS

# In place of a kind: lines of batches with runs of their own. They have a queue of their own too.
BATCH_LANE = "batch"
CLAIM_TIME = timedelta(seconds=30)
# How many unstarted flow runs of one project and kind may be in Prefect. Its queues are first in, first out, so a
# project that comes later waits behind as many. They suffice to keep the workers busy: the next run is submitted when
# one starts.
MAX_WAITING: dict[str, int] = {"video": 2, "audio": 2, "image": 8, BATCH_LANE: 4}
_MAX_WAITING = ", ".join(f"('{kind}', {runs})" for kind, runs in MAX_WAITING.items())

# One statement, as text. `waiting`: the projects in the outbox, found by a loose index scan. `held`: their flow runs
# and claimed attempts. `candidates`: attempts that may be claimed, with how many of their project's come before
# (`place`).
_CLAIM_DUE = text(f"""
    WITH RECURSIVE waiting (project_id) AS (
        (SELECT project_id FROM outbox ORDER BY project_id LIMIT 1)
        UNION ALL
        SELECT (SELECT min(project_id) FROM outbox WHERE outbox.project_id > waiting.project_id)
        FROM waiting WHERE waiting.project_id IS NOT NULL
    ), held (project_id, kind, unbegun) AS (
        SELECT tasks.project_id, CASE WHEN batch IS NULL THEN kind ELSE '{BATCH_LANE}' END, beat IS NULL AS unbegun
        FROM tasks JOIN waiting USING (project_id)
        WHERE status = 'processing' AND run_id IS NOT NULL AND chunk_id IS NULL
        UNION ALL
        SELECT project_id, kind, true FROM outbox WHERE due > now() AND tries > 0
    ), busy AS (
        SELECT project_id, kind, count(*) AS runs, count(*) FILTER (WHERE unbegun) AS ahead
        FROM held GROUP BY project_id, kind
    ), candidates AS (
        SELECT next.task_id, next.due, row_number() OVER (PARTITION BY waiting.project_id ORDER BY next.due)
            + coalesce((SELECT sum(runs) FROM busy WHERE busy.project_id = waiting.project_id), 0) AS place
        FROM waiting
        CROSS JOIN (VALUES {_MAX_WAITING}) AS kinds (kind, max_waiting)
        LEFT JOIN busy ON busy.project_id = waiting.project_id AND busy.kind = kinds.kind
        CROSS JOIN LATERAL (
            SELECT task_id, due FROM outbox
            WHERE outbox.project_id = waiting.project_id AND outbox.kind = kinds.kind AND due <= now()
            ORDER BY due LIMIT greatest(0, kinds.max_waiting - coalesce(busy.ahead, 0))
        ) AS next
    ), chosen AS (
        SELECT outbox.task_id FROM outbox JOIN candidates USING (task_id)
        WHERE outbox.due <= now() AND (CAST(:per_project AS integer) IS NULL OR place <= :per_project)
        ORDER BY place, outbox.due LIMIT :limit
        FOR UPDATE OF outbox SKIP LOCKED
    )
    UPDATE outbox SET due = now() + :claim_time, tries = outbox.tries + 1
    FROM chosen WHERE outbox.task_id = chosen.task_id
    RETURNING outbox.task_id, outbox.attempt, outbox.tries
""").bindparams(bindparam("claim_time", type_=Interval()))  # noqa: S608 - the values are constants


def claim_due(connection: Connection, limit: int, per_project: int | None = None) -> list[OutboxEntry]:
    """Claim attempts that are due. Projects take turns, the one with the fewest runs first; of one project at most
    `per_project` runs exist at once, and at most `MAX_WAITING` wait in Prefect."""
    parameters = {"limit": limit, "per_project": per_project, "claim_time": CLAIM_TIME}
    return [OutboxEntry(TaskId(row[0]), *row[1:]) for row in connection.execute(_CLAIM_DUE, parameters)]


def record_run(connection: Connection, entry: OutboxEntry, run_id: str) -> bool:
    """Record the flow run of an attempt. False: the attempt has ended or been replaced meanwhile."""
    _lock(connection, entry.task_id)
    drop_pending(connection, entry)
    noted = (
        update(TASKS)
        .where(TASKS.c.id == entry.task_id, TASKS.c.attempt == entry.attempt)
        .where(TASKS.c.status == "processing")
        .values(run_id=run_id, updated=func.now())
    )
    return connection.execute(noted).rowcount == 1


def drop_pending(connection: Connection, entry: OutboxEntry) -> None:
    """Remove the attempt from the outbox."""
    connection.execute(delete(OUTBOX).where(*_matches(entry)))


def assign_run(connection: Connection, task_id: TaskId, attempt: int, run_id: str) -> None:
    """Make this flow run the attempt's, unless a dispatcher has claimed it."""
    _lock(connection, task_id)
    mine = delete(OUTBOX).where(OUTBOX.c.task_id == task_id, OUTBOX.c.attempt == attempt, OUTBOX.c.tries == 0)
    if connection.execute(mine).rowcount == 1:
        connection.execute(update(TASKS).where(TASKS.c.id == task_id).values(run_id=run_id, updated=func.now()))


def postpone(connection: Connection, entry: OutboxEntry, seconds: float) -> None:
    later = func.now() + timedelta(seconds=seconds)
    connection.execute(update(OUTBOX).where(*_matches(entry)).values(due=later))


def _lock(connection: Connection, task_id: TaskId) -> None:
    """Lock the task before its outbox entry, as cancelling and new attempts do; the other order could deadlock."""
    connection.execute(select(TASKS.c.id).where(TASKS.c.id == task_id).with_for_update())


def _matches(entry: OutboxEntry) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OUTBOX.c.task_id == entry.task_id, OUTBOX.c.attempt == entry.attempt
