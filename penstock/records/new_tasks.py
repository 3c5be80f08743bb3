"""Creates tasks and attempts. Equal requests of a project become one task, however many arrive at once."""

from sqlalchemy import ColumnElement, Connection, bindparam, case, func, literal, or_, select, text, update

from penstock.domain import errors
from penstock.domain.attempts import SLOT_REQUESTED, SLOT_WAITING, QueueLimits
from penstock.domain.batch.lines import LineRequest
from penstock.domain.ids import ProjectId, TaskId, new_task_id
from penstock.domain.request import SourceRequest
from penstock.domain.task import Task
from penstock.records import notifications
from penstock.records.rows import SHOWN_TASKS, request_row, task_of
from penstock.records.tables import FILES, TASKS

NEW_ATTEMPT = {
    "status": "processing",
    "state": "queued",
    "progress": 0,
    "cancelling": False,
    "owner": None,
    "run_id": None,
    "slot": None,
    "beat": None,
    "error": None,
    "plan": None,
    "output_id": None,
    "input_version": None,
    "conversion": None,
}
# What a request from outside a batch ends.
OUTSIDE_BATCH = {"batch": None, "chunk_id": None}
# What the loss of the present attempt adds to the losses of its task: nothing, where it only waited.
PRESENT_LOSS: ColumnElement[int] = case((TASKS.c.slot.in_((SLOT_WAITING, SLOT_REQUESTED)), 0), else_=1)
# The state in which all attempts were lost so far, the present one included; `SEVERAL` if they differ.
SEVERAL = "several"
LOST_IN: ColumnElement[str | None] = case(
    (PRESENT_LOSS == 0, TASKS.c.lost_in),
    ((TASKS.c.losses == 0) | (TASKS.c.lost_in == TASKS.c.state), TASKS.c.state),
    else_=SEVERAL,
)
COUNTED_LOSS = {"losses": TASKS.c.losses + PRESENT_LOSS, "lost_in": LOST_IN}
_QUEUE_FULL = "Too many tasks are unfinished; try again when some have ended."

# Statements are built once: building them costs more than executing them.
_BY_REQUEST = SHOWN_TASKS.where(
    TASKS.c.project_id == bindparam("owner"), TASKS.c.fingerprint == bindparam("fingerprint")
)
_UNFINISHED = select(func.count(), func.count().filter(TASKS.c.project_id == bindparam("owner"))).where(
    TASKS.c.status == literal("processing", literal_execute=True), TASKS.c.batch.is_(None)
)
_SUBMIT = text("""
    INSERT INTO outbox (task_id, attempt, project_id, kind)
    SELECT id, :attempt, project_id, CASE WHEN batch IS NULL THEN kind ELSE 'batch' END FROM tasks WHERE id = :task_id
    ON CONFLICT (task_id) DO UPDATE SET attempt = excluded.attempt, kind = excluded.kind, due = now(), tries = 0
""")
_NOTIFY = select(func.pg_notify(bindparam("channel"), bindparam("payload")))
# Creates a new task, if the queue has room: its row, its outbox entry and the notification. Returns the row, or nothing
# if the queue is full or the same request was there first. As text, since SQLAlchemy would compile it at each call.
_CREATE = text("""
    WITH waiting AS (
        SELECT count(*) AS everybody, count(*) FILTER (WHERE project_id = :project_id) AS own
        FROM tasks WHERE status = 'processing' AND batch IS NULL
    ), made AS (
        INSERT INTO tasks (id, project_id, fingerprint, request, file_id, kind, format, file_name)
        SELECT :id, :project_id, :fingerprint, :request, CAST(:file_id AS VARCHAR), :kind, :format,
            (SELECT name FROM files WHERE id = CAST(:file_id AS VARCHAR))
        FROM waiting WHERE own < :max_own AND everybody < :max_total
        ON CONFLICT (project_id, fingerprint) DO NOTHING
        RETURNING *
    ), submitted AS (
        INSERT INTO outbox (task_id, attempt, project_id, kind) SELECT id, attempt, project_id, kind FROM made
    )
    SELECT made.*, pg_notify(:channel, id) FROM made
""").bindparams(bindparam("request", type_=TASKS.c.request.type))


def find_by_request(connection: Connection, project_id: ProjectId, request: SourceRequest) -> Task | None:
    """The task of this request, or None."""
    parameters = {"owner": project_id, "fingerprint": request.fingerprint()}
    row = connection.execute(_BY_REQUEST, parameters).mappings().first()
    return task_of(row) if row else None


def submit_task(
    connection: Connection, project_id: ProjectId, request: SourceRequest, known: Task | None, queue: QueueLimits
) -> Task:
    """The task of this request, new, or `known` with another attempt. Concurrent callers get the same task."""
    _require_input(connection, project_id, request)
    if known:
        _require_room(connection, project_id, queue)
        _reopen(connection, known, request)
    elif created := _create(connection, project_id, request, queue):
        return created
    task = find_by_request(connection, project_id, request)
    if task is None:
        raise errors.QueueFull(_QUEUE_FULL)
    return task


def start_next_attempt(
    connection: Connection, task_id: TaskId, attempt: int, *, counts_loss: bool, owner: str | None = None
) -> int | None:
    """Start another attempt and return its number; None if this one is not current any more, is another `owner`'s, or
    is to be cancelled."""
    statement = (
        update(TASKS)
        .where(TASKS.c.id == task_id, TASKS.c.attempt == attempt)
        .where(TASKS.c.status == "processing", TASKS.c.cancelling.is_(False), *owned_by(owner))
        .values(NEW_ATTEMPT | {"attempt": attempt + 1, "updated": func.now()} | (COUNTED_LOSS if counts_loss else {}))
    )
    if connection.execute(statement.returning(TASKS.c.id)).first() is None:
        return None
    _submit(connection, task_id, attempt + 1)
    return attempt + 1


def owned_by(owner: str | None) -> tuple[ColumnElement[bool], ...]:
    """The condition that an attempt is this owner's or unowned; no condition without an owner."""
    return () if owner is None else (or_(TASKS.c.owner.is_(None), TASKS.c.owner == owner),)


def _require_input(connection: Connection, project_id: ProjectId, request: SourceRequest) -> None:
    if request.file_id is None:
        return
    query = select(FILES.c.id).where(
        FILES.c.id == request.file_id, FILES.c.project_id == project_id, FILES.c.deleted.is_(None)
    )
    # The lock delays a deletion until this task is visible, so that the file counts as in use.
    if connection.execute(query.with_for_update(read=True)).first() is None:
        raise errors.FileNotFound("There is no such file.", field="file_id")


def _require_room(connection: Connection, project_id: ProjectId, queue: QueueLimits) -> None:
    everybody, own = connection.execute(_UNFINISHED, {"owner": project_id}).one()
    if own >= queue.per_project or everybody >= queue.total:
        raise errors.QueueFull(_QUEUE_FULL)


def _create(connection: Connection, project_id: ProjectId, request: SourceRequest, queue: QueueLimits) -> Task | None:
    row = {"id": new_task_id(), "project_id": project_id, "fingerprint": request.fingerprint(), **request_row(request)}
    bounds = {"max_own": queue.per_project, "max_total": queue.total}
    created = connection.execute(_CREATE, {**row, **bounds, "channel": notifications.OUTBOX}).mappings().first()
    return task_of(created) if created else None


def _reopen(connection: Connection, known: Task, request: SourceRequest) -> None:
    # The next run knows by this note what an earlier one has published.
    publishing = TASKS.c.publishing if isinstance(request, LineRequest) and request.destination else None
    statement = (
        update(TASKS)
        .where(TASKS.c.id == known.id, TASKS.c.attempt == known.attempt, TASKS.c.status == known.status)
        .values(NEW_ATTEMPT | OUTSIDE_BATCH | request_row(request) | {"publishing": publishing})
        .values(attempt=known.attempt + 1, losses=0, lost_in=None, updated=func.now())
    )
    if connection.execute(statement).rowcount:
        _submit(connection, known.id, known.attempt + 1)


def _submit(connection: Connection, task_id: str, attempt: int) -> None:
    connection.execute(_SUBMIT, {"task_id": task_id, "attempt": attempt})
    notify(connection, notifications.OUTBOX, task_id)


def notify(connection: Connection, channel: str, payload: str) -> None:
    """Notify listeners when the transaction commits."""
    connection.execute(_NOTIFY, {"channel": channel, "payload": payload})
