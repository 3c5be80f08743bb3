"""How a request becomes a Task: the same one for the same request, however many ask at once."""

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from penstock.domain import errors
from penstock.domain.ids import ProjectId, TaskId, new_task_id
from penstock.domain.request import SourceRequest
from penstock.domain.task import Task, wants_attempt
from penstock.domain.work import QueueLimits
from penstock.records.rows import request_row, task_of, tasks_with_output
from penstock.records.tables import FILES, OUTBOX, TASKS

AFRESH = {
    "status": "processing",
    "state": "queued",
    "progress": 0,
    "cancelling": False,
    "owner": None,
    "run_id": None,
    "beat": None,
    "error": None,
    "plan": None,
    "output_id": None,
}


def same_request(connection: Connection, project_id: ProjectId, request: SourceRequest) -> Task | None:
    """The task of this request, if it was ever asked."""
    asked = tasks_with_output().where(TASKS.c.project_id == project_id, TASKS.c.fingerprint == request.fingerprint())
    row = connection.execute(asked).mappings().first()
    return task_of(row) if row else None


def open_task(connection: Connection, project_id: ProjectId, request: SourceRequest, queue: QueueLimits) -> Task:
    """The task of this request, new or reopened if need be. Whoever comes second finds what the first one made."""
    known = same_request(connection, project_id, request)
    if known and not wants_attempt(known, request):
        return known
    _require_input(connection, project_id, request)
    _require_place(connection, project_id, queue)
    task_id = _reopen(connection, known, request) if known else _create(connection, project_id, request)
    if task_id:
        _submit(connection, task_id)
    opened = same_request(connection, project_id, request)
    if opened is None:
        raise errors.TaskNotFound("There is no such task.")
    return opened


def next_attempt(connection: Connection, task_id: TaskId, attempt: int) -> int | None:
    """Another try of the same request, unless the task has gone on, or is to be cancelled."""
    again = (
        update(TASKS)
        .where(TASKS.c.id == task_id, TASKS.c.attempt == attempt)
        .where(TASKS.c.status == "processing", TASKS.c.cancelling.is_(False))
        .values(AFRESH | {"attempt": attempt + 1, "losses": TASKS.c.losses + 1, "updated": func.now()})
    )
    if connection.execute(again.returning(TASKS.c.id)).first() is None:
        return None
    _submit(connection, task_id)
    return attempt + 1


def _require_input(connection: Connection, project_id: ProjectId, request: SourceRequest) -> None:
    if request.file_id is None:
        return
    held = select(FILES.c.id).where(
        FILES.c.id == request.file_id, FILES.c.project_id == project_id, FILES.c.deleted.is_(None)
    )
    # The lock keeps a deletion away until this task can be seen to read the file.
    if connection.execute(held.with_for_update(read=True)).first() is None:
        raise errors.FileNotFound("There is no such file.", field="file_id")


def _require_place(connection: Connection, project_id: ProjectId, queue: QueueLimits) -> None:
    mine = func.count().filter(TASKS.c.project_id == project_id)
    unfinished = select(func.count(), mine).select_from(TASKS).where(TASKS.c.status == "processing")
    total, own = connection.execute(unfinished).one()
    if own >= queue.per_project or total >= queue.total:
        raise errors.QueueFull("Too many tasks are waiting; try again when some have ended.")


def _create(connection: Connection, project_id: ProjectId, request: SourceRequest) -> TaskId | None:
    row = {"id": new_task_id(), "project_id": project_id, "fingerprint": request.fingerprint()}
    made = (
        insert_or(TASKS)
        .values(row | request_row(request))
        .on_conflict_do_nothing(index_elements=["project_id", "fingerprint"])
    )
    return connection.execute(made.returning(TASKS.c.id)).scalar_one_or_none()


def _reopen(connection: Connection, known: Task, request: SourceRequest) -> TaskId | None:
    again = (
        update(TASKS)
        .where(TASKS.c.id == known.id, TASKS.c.attempt == known.attempt, TASKS.c.status == known.status)
        .values(AFRESH | request_row(request))
        .values(attempt=known.attempt + 1, losses=0, updated=func.now())
    )
    return connection.execute(again.returning(TASKS.c.id)).scalar_one_or_none()


def _submit(connection: Connection, task_id: TaskId) -> None:
    attempt = select(TASKS.c.id, TASKS.c.attempt).where(TASKS.c.id == task_id)
    row = insert_or(OUTBOX).from_select(["task_id", "attempt"], attempt)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=["task_id"], set_={"attempt": row.excluded.attempt, "due": func.now(), "tries": 0}
        )
    )
    notify(connection, "penstock_outbox", task_id)


def notify(connection: Connection, channel: str, payload: str) -> None:
    """Wake whoever listens, when the transaction is kept."""
    connection.execute(select(func.pg_notify(channel, payload)))
