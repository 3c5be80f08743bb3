"""What a run does to its task. Every statement is for one attempt, most for one owner too, so that a run that lost its
attempt changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Update, bindparam, case, delete, func, insert, or_, select, update

from penstock.domain import errors
from penstock.domain.attempts import SLOT_WAITING, HeldSlot, LostAttempt, SubmittedAttempt
from penstock.domain.ids import TaskId
from penstock.domain.receipt import Receipt
from penstock.domain.task import File, InputVersion, State, Task, TaskError
from penstock.records import notifications, receipts
from penstock.records.conversions import hold_bytes
from penstock.records.new_tasks import notify, owned_by
from penstock.records.rows import SHOWN_TASKS, file_row, task_of
from penstock.records.tables import FILES, OUTBOX, TASKS

CANCELLED = TaskError(errors.Cancelled.code, "The task was cancelled.")

RELEASED = TaskError(
    errors.WorkerLost.code,
    "The workers that ran this task were lost repeatedly, and an operator has released it. Ask for it again.",
    retryable=True,
)
QUARANTINED = (TASKS.c.status == "failed", TASKS.c.error["code"].astext == errors.InputQuarantined.code)

_LIVE = TASKS.c.status == "processing"
# Tasks of chunks have no run of their own: the chunk's records tell of it.
_OWN_RUN = _LIVE & TASKS.c.chunk_id.is_(None)
_BY_ID = SHOWN_TASKS.where(TASKS.c.id == bindparam("wanted"))


def get_by_id(connection: Connection, task_id: TaskId) -> Task:
    row = connection.execute(_BY_ID, {"wanted": task_id}).mappings().first()
    if row is None:
        raise errors.TaskNotFound("There is no such task.")
    return task_of(row)


def begin(connection: Connection, task_id: TaskId, attempt: int, run: tuple[str, str], lease: timedelta) -> Task:
    """Take an attempt that is unowned, ours, or without heartbeats for `lease`; or reopen one that failed.

    Raises `Superseded` otherwise."""
    owner, run_id = run
    free = or_(TASKS.c.owner.is_(None), TASKS.c.owner == owner, TASKS.c.beat < func.now() - lease)
    attempt_row = _attempt(task_id, attempt).where(or_(TASKS.c.status == "failed", _LIVE & free))
    cleared = {
        "cancelling": case((_LIVE, TASKS.c.cancelling), else_=False),
        "error": None,
        "progress": 0,
        "slot": None,
        "conversion": None,
    }
    begun = {"status": "processing", "state": _unless_cancelling("validating"), "owner": owner, "run_id": run_id}
    _must_change(connection, attempt_row.values(begun | cleared).values(beat=func.now(), updated=func.now()))
    notify(connection, notifications.OUTBOX, task_id)  # the dispatcher may submit another of this project
    return get_by_id(connection, task_id)


def record_heartbeat(connection: Connection, attempt: tuple[TaskId, int, str], state: State, progress: int) -> bool:
    """Record a heartbeat with state and progress. True: the task is to be cancelled. Raises `Superseded`."""
    task_id, number, owner = attempt
    changed = or_(TASKS.c.state != state, TASKS.c.progress != progress)
    statement = (
        _attempt(task_id, number)
        .where(_LIVE, TASKS.c.owner == owner)
        .values(state=_unless_cancelling(state), progress=progress, beat=func.now())
        .values(updated=case((changed, func.now()), else_=TASKS.c.updated))
    )
    return bool(_must_change(connection, statement)[0])


def record_slot(connection: Connection, attempt: tuple[TaskId, int, str], slot: str | None) -> None:
    task_id, number, owner = attempt
    connection.execute(_attempt(task_id, number).where(TASKS.c.owner == owner).values(slot=slot))


def held_slots(connection: Connection) -> list[HeldSlot]:
    query = select(TASKS.c.id, TASKS.c.attempt, TASKS.c.owner, TASKS.c.slot)
    query = query.where(_LIVE, TASKS.c.slot.is_not(None), TASKS.c.slot != SLOT_WAITING)
    return [HeldSlot(TaskId(row[0]), *row[1:]) for row in connection.execute(query.order_by(TASKS.c.id))]


def record_plan(connection: Connection, task_id: TaskId, attempt: int, plan: dict[str, Any]) -> None:
    connection.execute(_attempt(task_id, attempt).where(_LIVE).values(plan=plan, updated=func.now()))


def record_input_version(connection: Connection, task_id: TaskId, attempt: int, version: InputVersion) -> None:
    connection.execute(_attempt(task_id, attempt).where(_LIVE).values(input_version=asdict(version)))


def record_publishing(connection: Connection, attempt: tuple[TaskId, int, str], note: dict[str, Any]) -> str | None:
    task_id, number, owner = attempt
    mine = (TASKS.c.id == task_id, TASKS.c.attempt == number, TASKS.c.owner == owner, _LIVE)
    before = select(TASKS.c.publishing["file"]["sha256"].astext).where(*mine).with_for_update()
    noted = connection.execute(before).first()
    statement = _attempt(task_id, number).where(_LIVE, TASKS.c.owner == owner)
    _must_change(connection, statement.values(publishing=note["new_publishing"]))
    return noted[0] if noted else None


def complete(
    connection: Connection, attempt: tuple[TaskId, int, str], file: File, receipt: Receipt | None = None
) -> Task:
    """Make the output visible and complete the task, in one transaction. Calling it twice is harmless.

    Raises `Cancelled` if a cancel was accepted before, `Superseded` if the attempt is another run's, and
    `ReusedFileDeleted` if the file shares the bytes of one that was deleted."""
    task_id, number, owner = attempt
    task = get_by_id(connection, task_id)
    if task.attempt == number and task.output and task.output.id == file.id:
        return task
    if file.shares_bytes and not hold_bytes(connection, file.key):
        raise errors.ReusedFileDeleted("The output to reuse was deleted.")
    connection.execute(insert(FILES).values(file_row(file)))
    completed = {
        "status": "completed",
        "state": "completed",
        "progress": 100,
        "output_id": file.id,
        "error": None,
        "publishing": None,
    }
    ours = _attempt(task_id, number).where(_LIVE, TASKS.c.owner == owner)
    statement = ours.where(TASKS.c.cancelling.is_(False)).values(completed).values(updated=func.now())
    if connection.execute(statement).rowcount == 0:
        _must_change(connection, ours.values(owner=owner))
        raise errors.Cancelled("The task was cancelled.")
    if receipt is not None:
        receipts.add_receipt(connection, task_id, number, file, receipt)
    notify(connection, notifications.TASK, task_id)
    return get_by_id(connection, task_id)


def end(
    connection: Connection,
    attempt: tuple[TaskId, int],
    status: Literal["failed", "cancelled"],
    failure: TaskError | None,
    owner: str | None = None,
) -> bool:
    """End an unfinished attempt; with `owner`, only if no other owner has taken it. Returns whether it was ended."""
    error = failure or (CANCELLED if status == "cancelled" else None)
    statement = (
        _attempt(*attempt)
        .where(_LIVE, *owned_by(owner))
        .values(
            status=status,
            state=status,
            error=asdict(error) if error else None,
            cancelling=False,
            updated=func.now(),
        )
    )
    changed = connection.execute(statement).rowcount == 1
    if changed:
        connection.execute(delete(OUTBOX).where(OUTBOX.c.task_id == attempt[0], OUTBOX.c.attempt == attempt[1]))
        notify(connection, notifications.TASK, attempt[0])
    return changed


def release(connection: Connection, task_id: str) -> None:
    released = update(TASKS).where(TASKS.c.id == task_id, *QUARANTINED)
    if connection.execute(released.values(error=asdict(RELEASED), updated=func.now())).rowcount == 0:
        raise errors.TaskNotFound("There is no quarantined task of this id.")


def set_state(connection: Connection, task_id: TaskId, attempt: int, state: State) -> None:
    """Set the state of an unfinished attempt from outside its run."""
    live = _attempt(task_id, attempt).where(_LIVE, TASKS.c.state != state)
    connection.execute(live.values(state=_unless_cancelling(state), updated=func.now()))


def lost_attempts(connection: Connection, lease: timedelta) -> list[LostAttempt]:
    query = select(TASKS.c.id, TASKS.c.attempt, TASKS.c.run_id).where(_LIVE, TASKS.c.beat < func.now() - lease)
    return [LostAttempt(TaskId(row[0]), *row[1:]) for row in connection.execute(query)]


def submitted_attempts(connection: Connection, limit: int, after: str) -> list[SubmittedAttempt]:
    query = (
        select(TASKS.c.id, TASKS.c.attempt, TASKS.c.run_id, TASKS.c.beat.is_not(None))
        .where(_OWN_RUN, TASKS.c.run_id.is_not(None), TASKS.c.id > after)
        .order_by(TASKS.c.id)
        .limit(limit)
    )
    return [SubmittedAttempt(TaskId(row[0]), *row[1:]) for row in connection.execute(query)]


def find_by_run(connection: Connection, run_id: str) -> tuple[TaskId, int] | None:
    query = select(TASKS.c.id, TASKS.c.attempt).where(TASKS.c.run_id == run_id, TASKS.c.chunk_id.is_(None))
    row = connection.execute(query).first()
    return (TaskId(row[0]), row[1]) if row else None


def current_run_ids(connection: Connection, run_ids: Sequence[str]) -> set[str]:
    query = select(TASKS.c.run_id).where(TASKS.c.run_id.in_(run_ids), _LIVE)
    return set(connection.execute(query).scalars())


def _attempt(task_id: TaskId, attempt: int) -> Update:
    return update(TASKS).where(TASKS.c.id == task_id, TASKS.c.attempt == attempt)


def _unless_cancelling(state: State) -> ColumnElement[str]:
    return case((_LIVE & TASKS.c.cancelling, "cancelling"), else_=state)


def _must_change(connection: Connection, statement: Update) -> Sequence[Any]:
    row = connection.execute(statement.returning(TASKS.c.cancelling)).first()
    if row is None:
        raise errors.Superseded("Another run has taken this task.")
    return row
