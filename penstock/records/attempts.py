"""What a run may do to its task. Every statement names the attempt, and most the owner: a run that was overtaken
changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Update, bindparam, case, delete, func, insert, or_, select, update

from penstock.domain import errors
from penstock.domain.attempts import HeldSlot, LostAttempt, SubmittedAttempt
from penstock.domain.ids import TaskId
from penstock.domain.receipt import Receipt
from penstock.domain.task import File, InputVersion, State, Task, TaskError
from penstock.records import notifications, receipts
from penstock.records.new_tasks import free_for, notify
from penstock.records.rows import SHOWN_TASKS, file_row, task_of
from penstock.records.tables import FILES, OUTBOX, TASKS

CANCELLED = TaskError(errors.Cancelled.code, "The task was cancelled.")

_LIVE = TASKS.c.status == "processing"
_ONE = SHOWN_TASKS.where(TASKS.c.id == bindparam("wanted"))


def read(connection: Connection, task_id: TaskId) -> Task:
    row = connection.execute(_ONE, {"wanted": task_id}).mappings().first()
    if row is None:
        raise errors.TaskNotFound("There is no such task.")
    return task_of(row)


def begin(connection: Connection, task_id: TaskId, attempt: int, run: tuple[str, str], lease: timedelta) -> Task:
    """Take an attempt over: nobody else beats for it, and it has not ended but by a failure."""
    owner, run_id = run
    idle = or_(TASKS.c.owner.is_(None), TASKS.c.owner == owner, TASKS.c.beat < func.now() - lease)
    taken = _attempt(task_id, attempt).where(or_(TASKS.c.status == "failed", _LIVE & idle))
    reopened = {
        "cancelling": case((_LIVE, TASKS.c.cancelling), else_=False),
        "error": None,
        "progress": 0,
        "slot": None,
    }
    mine = {"status": "processing", "state": _unless_cancelling("validating"), "owner": owner, "run_id": run_id}
    _must_change(connection, taken.values(mine | reopened).values(beat=func.now(), updated=func.now()))
    notify(connection, notifications.OUTBOX, task_id)  # another of its project may be handed over
    return read(connection, task_id)


def beat(connection: Connection, attempt: tuple[TaskId, int, str], state: State, progress: int) -> bool:
    """Still at work, and so far; answers whether the task is to be cancelled."""
    task_id, number, owner = attempt
    news = or_(TASKS.c.state != state, TASKS.c.progress != progress)
    alive = (
        _attempt(task_id, number)
        .where(_LIVE, TASKS.c.owner == owner)
        .values(state=_unless_cancelling(state), progress=progress, beat=func.now())
        .values(updated=case((news, func.now()), else_=TASKS.c.updated))
    )
    return bool(_must_change(connection, alive)[0])


def note_slot(connection: Connection, attempt: tuple[TaskId, int, str], slot: str | None) -> None:
    task_id, number, owner = attempt
    connection.execute(_attempt(task_id, number).where(TASKS.c.owner == owner).values(slot=slot))


def slots(connection: Connection) -> list[HeldSlot]:
    held = select(TASKS.c.id, TASKS.c.attempt, TASKS.c.owner, TASKS.c.slot).where(_LIVE, TASKS.c.slot.is_not(None))
    return [HeldSlot(TaskId(row[0]), *row[1:]) for row in connection.execute(held.order_by(TASKS.c.id))]


def planned(connection: Connection, task_id: TaskId, attempt: int, plan: dict[str, Any]) -> None:
    connection.execute(_attempt(task_id, attempt).where(_LIVE).values(plan=plan, updated=func.now()))


def fetched(connection: Connection, task_id: TaskId, attempt: int, version: InputVersion) -> None:
    connection.execute(_attempt(task_id, attempt).where(_LIVE).values(input_version=asdict(version)))


def finish(
    connection: Connection, attempt: tuple[TaskId, int, str], file: File, receipt: Receipt | None = None
) -> Task:
    """The output becomes visible and the task completed, at once. Saying it twice is harmless.

    Raises `Cancelled` where a cancel was accepted before, `Superseded` where the attempt is another run's."""
    task_id, number, owner = attempt
    done = read(connection, task_id)
    if done.attempt == number and done.output and done.output.id == file.id:
        return done
    connection.execute(insert(FILES).values(file_row(file)))
    ended = {"status": "completed", "state": "completed", "progress": 100, "output_id": file.id, "error": None}
    mine = _attempt(task_id, number).where(_LIVE, TASKS.c.owner == owner)
    wanted = mine.where(TASKS.c.cancelling.is_(False)).values(ended).values(updated=func.now())
    if connection.execute(wanted).rowcount == 0:
        _must_change(connection, mine.values(owner=owner))
        raise errors.Cancelled("The task was cancelled.")
    if receipt is not None:
        receipts.keep(connection, task_id, number, file, receipt)
    notify(connection, notifications.TASK, task_id)
    return read(connection, task_id)


def end(
    connection: Connection,
    attempt: tuple[TaskId, int],
    status: Literal["failed", "cancelled"],
    failure: TaskError | None,
    owner: str | None = None,
) -> bool:
    """Close an attempt that is still open; for a run, only if no other `owner` has taken it over."""
    told = failure or (CANCELLED if status == "cancelled" else None)
    closed = (
        _attempt(*attempt)
        .where(_LIVE, *free_for(owner))
        .values(
            status=status,
            state=status,
            error=asdict(told) if told else None,
            cancelling=False,
            updated=func.now(),
        )
    )
    changed = connection.execute(closed).rowcount == 1
    if changed:
        connection.execute(delete(OUTBOX).where(OUTBOX.c.task_id == attempt[0], OUTBOX.c.attempt == attempt[1]))
        notify(connection, notifications.TASK, attempt[0])
    return changed


def restate(connection: Connection, task_id: TaskId, attempt: int, state: State) -> None:
    """A finer word for a live attempt, from somebody who does not run it."""
    live = _attempt(task_id, attempt).where(_LIVE, TASKS.c.state != state)
    connection.execute(live.values(state=_unless_cancelling(state), updated=func.now()))


def lost(connection: Connection, lease: timedelta) -> list[LostAttempt]:
    silent = select(TASKS.c.id, TASKS.c.attempt, TASKS.c.run_id, TASKS.c.losses, TASKS.c.cancelling).where(
        _LIVE, TASKS.c.beat < func.now() - lease
    )
    return [LostAttempt(TaskId(row[0]), *row[1:]) for row in connection.execute(silent)]


def unfinished(connection: Connection, limit: int, after: str) -> list[SubmittedAttempt]:
    submitted = (
        select(TASKS.c.id, TASKS.c.attempt, TASKS.c.run_id, TASKS.c.beat.is_not(None))
        .where(_LIVE, TASKS.c.run_id.is_not(None), TASKS.c.id > after)
        .order_by(TASKS.c.id)
        .limit(limit)
    )
    return [SubmittedAttempt(TaskId(row[0]), *row[1:]) for row in connection.execute(submitted)]


def of_run(connection: Connection, run_id: str) -> tuple[TaskId, int] | None:
    row = connection.execute(select(TASKS.c.id, TASKS.c.attempt).where(TASKS.c.run_id == run_id)).first()
    return (TaskId(row[0]), row[1]) if row else None


def wanted(connection: Connection, run_ids: Sequence[str]) -> set[str]:
    held = select(TASKS.c.run_id).where(TASKS.c.run_id.in_(run_ids), _LIVE)
    return set(connection.execute(held).scalars())


def _attempt(task_id: TaskId, attempt: int) -> Update:
    return update(TASKS).where(TASKS.c.id == task_id, TASKS.c.attempt == attempt)


def _unless_cancelling(state: State) -> ColumnElement[str]:
    return case((_LIVE & TASKS.c.cancelling, "cancelling"), else_=state)


def _must_change(connection: Connection, statement: Update) -> Sequence[Any]:
    row = connection.execute(statement.returning(TASKS.c.cancelling)).first()
    if row is None:
        raise errors.Superseded("Another run has taken this task over.")
    return row
