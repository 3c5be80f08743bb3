"""Attempts that wait for a run. Each is lent to one dispatcher at a time, and comes back if that one dies."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, update

from penstock.domain.ids import TaskId
from penstock.domain.work import Submission
from penstock.records.tables import OUTBOX, TASKS

LENT = timedelta(seconds=30)


def due(connection: Connection, limit: int, per_project: int | None = None) -> list[Submission]:
    """Submissions whose time has come, lent to the caller for 30 s; of one project no more than may run at once."""
    waiting = (
        select(OUTBOX.c.task_id)
        .where(OUTBOX.c.due <= func.now(), *([] if per_project is None else [_has_a_place(per_project)]))
        .order_by(OUTBOX.c.due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(OUTBOX)
        .where(OUTBOX.c.task_id.in_(waiting.scalar_subquery()), TASKS.c.id == OUTBOX.c.task_id)
        .values(due=func.now() + LENT, tries=OUTBOX.c.tries + 1)
        .returning(OUTBOX.c.task_id, OUTBOX.c.attempt, TASKS.c.kind, TASKS.c.format, OUTBOX.c.tries)
    )
    return [Submission(TaskId(row[0]), *row[1:]) for row in connection.execute(taken)]


def _has_a_place(per_project: int) -> ColumnElement[bool]:
    """Whether a submission is among its project's first that fit beside those that run or are being submitted."""
    ranks = (
        select(
            OUTBOX.c.task_id,
            TASKS.c.project_id,
            func.row_number().over(partition_by=TASKS.c.project_id, order_by=OUTBOX.c.due).label("place"),
        )
        .join(TASKS, TASKS.c.id == OUTBOX.c.task_id)
        .where(OUTBOX.c.due <= func.now())
        .subquery()
    )
    busy = (
        select(func.count())
        .select_from(TASKS.outerjoin(OUTBOX, TASKS.c.id == OUTBOX.c.task_id))
        .where(TASKS.c.project_id == ranks.c.project_id, TASKS.c.status == text("'processing'"))
        .where(OUTBOX.c.task_id.is_(None) | ((OUTBOX.c.due > func.now()) & (OUTBOX.c.tries > 0)))
        .scalar_subquery()
    )
    return OUTBOX.c.task_id.in_(select(ranks.c.task_id).where(ranks.c.place + busy <= per_project))


def submitted(connection: Connection, submission: Submission, run_id: str) -> bool:
    """Note the run of an attempt. False: the task has gone on or ended meanwhile, and nobody wants this run."""
    connection.execute(delete(OUTBOX).where(*_is(submission)))
    noted = (
        update(TASKS)
        .where(TASKS.c.id == submission.task_id, TASKS.c.attempt == submission.attempt)
        .where(TASKS.c.status == "processing")
        .values(run_id=run_id, updated=func.now())
    )
    return connection.execute(noted).rowcount == 1


def adopted(connection: Connection, task_id: TaskId, attempt: int, run_id: str) -> None:
    """Give the attempt to this run, if no dispatcher has taken it up."""
    mine = delete(OUTBOX).where(OUTBOX.c.task_id == task_id, OUTBOX.c.attempt == attempt, OUTBOX.c.tries == 0)
    if connection.execute(mine).rowcount == 1:
        connection.execute(update(TASKS).where(TASKS.c.id == task_id).values(run_id=run_id, updated=func.now()))


def postponed(connection: Connection, submission: Submission, seconds: float) -> None:
    later = func.now() + timedelta(seconds=seconds)
    connection.execute(update(OUTBOX).where(*_is(submission)).values(due=later))


def _is(submission: Submission) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OUTBOX.c.task_id == submission.task_id, OUTBOX.c.attempt == submission.attempt
