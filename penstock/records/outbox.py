"""Attempts that wait for a run. Each is lent to one dispatcher at a time, and comes back if that one dies."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Interval, bindparam, delete, func, select, text, update

from penstock.domain.attempts import OutboxEntry
from penstock.domain.formats import Kind
from penstock.domain.ids import TaskId
from penstock.records.tables import OUTBOX, TASKS

LENT = timedelta(seconds=30)
# How many runs of one project, by the kind of its task, may wait in Prefect, whose queues are first in, first out: so
# many stand before the first run of a project that comes later. Enough that a place in a worker never waits for its
# next run, which is handed over as soon as one begins.
AHEAD: dict[Kind, int] = {"video": 2, "audio": 2, "image": 8}
_AHEAD = ", ".join(f"('{kind}', {most})" for kind, most in AHEAD.items())

# One statement, as text: `waiting` are the projects in the outbox, found by jumping from one to the next in its index;
# `held` are their runs and what is lent; `candidates` those that may follow, each behind so many of its project's own.
_DUE = text(f"""
    WITH RECURSIVE waiting (project_id) AS (
        (SELECT project_id FROM outbox ORDER BY project_id LIMIT 1)
        UNION ALL
        SELECT (SELECT min(project_id) FROM outbox WHERE outbox.project_id > waiting.project_id)
        FROM waiting WHERE waiting.project_id IS NOT NULL
    ), held AS (
        SELECT tasks.project_id, kind, beat IS NULL AS unbegun
        FROM tasks JOIN waiting USING (project_id) WHERE status = 'processing' AND run_id IS NOT NULL
        UNION ALL
        SELECT project_id, kind, true FROM outbox WHERE due > now() AND tries > 0
    ), busy AS (
        SELECT project_id, kind, count(*) AS runs, count(*) FILTER (WHERE unbegun) AS ahead
        FROM held GROUP BY project_id, kind
    ), candidates AS (
        SELECT next.task_id, next.due, row_number() OVER (PARTITION BY waiting.project_id ORDER BY next.due)
            + coalesce((SELECT sum(runs) FROM busy WHERE busy.project_id = waiting.project_id), 0) AS place
        FROM waiting
        CROSS JOIN (VALUES {_AHEAD}) AS kinds (kind, most)
        LEFT JOIN busy ON busy.project_id = waiting.project_id AND busy.kind = kinds.kind
        CROSS JOIN LATERAL (
            SELECT task_id, due FROM outbox
            WHERE outbox.project_id = waiting.project_id AND outbox.kind = kinds.kind AND due <= now()
            ORDER BY due LIMIT greatest(0, kinds.most - coalesce(busy.ahead, 0))
        ) AS next
    ), chosen AS (
        SELECT outbox.task_id FROM outbox JOIN candidates USING (task_id)
        WHERE outbox.due <= now() AND (CAST(:per_project AS integer) IS NULL OR place <= :per_project)
        ORDER BY place, outbox.due LIMIT :most
        FOR UPDATE OF outbox SKIP LOCKED
    )
    UPDATE outbox SET due = now() + :lent, tries = outbox.tries + 1
    FROM chosen, tasks WHERE outbox.task_id = chosen.task_id AND tasks.id = outbox.task_id
    RETURNING outbox.task_id, outbox.attempt, tasks.kind, tasks.format, outbox.tries
""").bindparams(bindparam("lent", type_=Interval()))  # noqa: S608 - of our own table above


def due(connection: Connection, limit: int, per_project: int | None = None) -> list[OutboxEntry]:
    """Submissions whose time has come, lent to the caller for 30 s: in turn of each project, the one with the fewest
    runs first, and of one project no more than may wait in Prefect, or run at once."""
    asked = {"most": limit, "per_project": per_project, "lent": LENT}
    return [OutboxEntry(TaskId(row[0]), *row[1:]) for row in connection.execute(_DUE, asked)]


def submitted(connection: Connection, submission: OutboxEntry, run_id: str) -> bool:
    """Note the run of an attempt. False: the task has gone on or ended meanwhile, and nobody wants this run."""
    _lock(connection, submission.task_id)
    withdrawn(connection, submission)
    noted = (
        update(TASKS)
        .where(TASKS.c.id == submission.task_id, TASKS.c.attempt == submission.attempt)
        .where(TASKS.c.status == "processing")
        .values(run_id=run_id, updated=func.now())
    )
    return connection.execute(noted).rowcount == 1


def withdrawn(connection: Connection, submission: OutboxEntry) -> None:
    """The attempt waits for no run any more."""
    connection.execute(delete(OUTBOX).where(*_is(submission)))


def adopted(connection: Connection, task_id: TaskId, attempt: int, run_id: str) -> None:
    """Give the attempt to this run, if no dispatcher has taken it up."""
    _lock(connection, task_id)
    mine = delete(OUTBOX).where(OUTBOX.c.task_id == task_id, OUTBOX.c.attempt == attempt, OUTBOX.c.tries == 0)
    if connection.execute(mine).rowcount == 1:
        connection.execute(update(TASKS).where(TASKS.c.id == task_id).values(run_id=run_id, updated=func.now()))


def postponed(connection: Connection, submission: OutboxEntry, seconds: float) -> None:
    later = func.now() + timedelta(seconds=seconds)
    connection.execute(update(OUTBOX).where(*_is(submission)).values(due=later))


def _lock(connection: Connection, task_id: TaskId) -> None:
    """The task first, then its submission, as a cancel and another attempt do: the other way round is a deadlock."""
    connection.execute(select(TASKS.c.id).where(TASKS.c.id == task_id).with_for_update())


def _is(submission: OutboxEntry) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OUTBOX.c.task_id == submission.task_id, OUTBOX.c.attempt == submission.attempt
