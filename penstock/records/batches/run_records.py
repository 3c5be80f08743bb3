"""The runs of batches, chunks and imports, for the dispatcher, the follower of Prefect's events and the reconciler."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    Select,
    bindparam,
    cast,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from penstock.domain import errors
from penstock.domain.attempts import SLOT_REQUESTED
from penstock.domain.batch.batch import PendingObject, PendingRun, SubmittedRun
from penstock.domain.ids import BatchId, ProjectId, TaskId
from penstock.domain.task import Task, TaskError
from penstock.records.batches.batch_rows import batch_of
from penstock.records.batches.line_tasks import lock_tasks, notify_tasks
from penstock.records.database import Database
from penstock.records.incoming.incoming_tables import IMPORTS
from penstock.records.tables import BATCH_ITEMS, BATCHES, CHUNKS, FILES, OUTBOX, TASKS

CLAIM_TIME = timedelta(seconds=30)
# Prefect shows no graph of a run with more than 10,000 nodes.
MAX_SHOWN_LINES = 5000

# With so many runs of imports waiting in Prefect a project gets no more: they have the queue of videos, which is first
# in, first out. Of all projects no more are claimed at once.
MAX_WAITING_IMPORTS = 2
_TABLES: dict[PendingObject, Any] = {"batch": BATCHES, "chunk": CHUNKS, "import": IMPORTS}
_UNFINISHED = TASKS.c.status == "processing"


_NOT_AFTER = cast(BATCHES.c.options["not_after"].astext, DateTime(timezone=True))
# Does not depend on the row: PostgreSQL evaluates it once for all.
_BUSY_IMPORTERS = (
    select(IMPORTS.c.project_id)
    .where(IMPORTS.c.status == literal("processing", literal_execute=True), IMPORTS.c.run_id.is_not(None))
    .group_by(IMPORTS.c.project_id)
    .having(
        or_(
            func.count().filter(IMPORTS.c.beat.is_(None)) >= MAX_WAITING_IMPORTS,
            func.count() >= bindparam("per_project", type_=Integer),
        )
    )
    .correlate(None)
)
# A paused batch has no run of its own, unless its time is over: a run ends it.
_STARTABLE: dict[PendingObject, ColumnElement[bool]] = {
    "batch": or_(~BATCHES.c.paused, func.coalesce(func.now() >= _NOT_AFTER, False)),
    "chunk": true(),
    "import": IMPORTS.c.project_id.not_in(_BUSY_IMPORTERS),
}


def _due(name: PendingObject) -> Select[Any]:
    table = _TABLES[name]
    waiting = (table.c.status == "processing", table.c.run_id.is_(None), table.c.due <= func.now())
    return select(table.c.id).where(*waiting, _STARTABLE[name])


_ANY_DUE = select(or_(*(_due(name).exists() for name in _TABLES)))


class UnfinishedRuns:
    """Runs that batches, chunks and imports need, have, and have lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_due(self, limit: int, per_project: int | None = None) -> list[PendingRun]:
        """Batches, chunks and imports that need a flow run, each kind up to `limit`; claimed for 30 s. A project with
        `per_project` runs of imports gets no more of them."""
        most = {"per_project": per_project}
        with self._database.reading() as connection:  # mostly there is none, and this is asked each second
            if not connection.execute(_ANY_DUE, most).scalar():
                return []
        with self._database.writing() as connection:
            return [pending for name in _TABLES for pending in _claim(connection, name, limit, most)]

    def record_run(self, pending: PendingRun, run_id: str) -> bool:
        """Record the flow run. False: the attempt has ended or been replaced, so the run is not needed."""
        table = _TABLES[pending.object]
        wanted = update(table).where(table.c.id == pending.id, table.c.attempt == pending.attempt)
        with self._database.writing_one_statement() as connection:
            noted = wanted.where(table.c.status == "processing").values(run_id=run_id)
            return connection.execute(noted).rowcount == 1

    def postpone(self, pending: PendingRun, seconds: float) -> None:
        """Make it claimable again, after `seconds`."""
        table = _TABLES[pending.object]
        later = func.now() + timedelta(seconds=seconds)
        with self._database.writing_one_statement() as connection:
            connection.execute(update(table).where(table.c.id == pending.id).values(due=later))

    def submitted(self) -> list[SubmittedRun]:
        """The runs of all unfinished batches, chunks and imports."""
        return self._select()

    def lost(self, lease_seconds: float) -> list[SubmittedRun]:
        """Those that have begun but sent no heartbeat for `lease_seconds`."""
        return self._select(silent_for=timedelta(seconds=lease_seconds))

    def find(self, run_id: str) -> SubmittedRun | None:
        """The unfinished batch, chunk or import of a flow run."""
        return next(iter(self._select(run_id=run_id)), None)

    def parent_of(self, task: Task) -> str | None:
        """The Prefect task run that the run of a line is shown under; none for lines beyond the first 5,000."""
        query = (
            select(BATCHES.c.parent_task_run)
            .join(BATCH_ITEMS, BATCH_ITEMS.c.batch_id == BATCHES.c.id)
            .where(BATCHES.c.id == task.batch, BATCH_ITEMS.c.task_id == task.id)
            .where(BATCH_ITEMS.c.number <= MAX_SHOWN_LINES)
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).scalar()

    def current_run_ids(self) -> set[str]:
        """The runs of all unfinished batches, chunks and imports, by their ids."""
        return {run.run_id for run in self.submitted()}

    def has_ended(self, run_id: str) -> bool:
        """Whether the run is that of a batch, chunk or import that has ended."""
        with self._database.reading() as connection:
            ended = (select(t.c.id).where(t.c.run_id == run_id, t.c.status != "processing") for t in _TABLES.values())
            return any(connection.execute(query).first() is not None for query in ended)

    def cancel_lines(self, batch_id: BatchId) -> None:
        """Cancel every unfinished task of a batch: at once where no run has begun, else by its run. Chunks that have
        not begun end."""
        with self._database.writing() as connection:
            cancel_lines(connection, batch_id)

    def take_back(self, batch_id: BatchId) -> int:
        """Make the lines `queued` again that wait for a run: the batch starts none at present. Returns how many."""
        with self._database.writing() as connection:
            live_chunks = _end_waiting_chunks(connection, batch_id)
            waiting = (TASKS.c.owner.is_(None), func.coalesce(TASKS.c.chunk_id.not_in(live_chunks), True))
            found = lock_tasks(connection, TASKS.c.batch == batch_id, _UNFINISHED, *waiting)
            if found:
                given = update(BATCH_ITEMS).where(BATCH_ITEMS.c.task_id.in_(found))
                again = given.where(BATCH_ITEMS.c.status == "processing").values(status="queued", task_id=None)
                connection.execute(again)
                _end_tasks(connection, "The batch starts no lines at present.", TASKS.c.id.in_(found))
            return len(found)

    def cancel_chunk(self, chunk_id: str) -> None:
        """Cancel the unfinished tasks of a chunk: their run has ended, or stops when it learns of it."""
        with self._database.writing() as connection:
            ended = update(CHUNKS).where(CHUNKS.c.id == chunk_id, CHUNKS.c.status == "processing")
            connection.execute(ended.values(status="ended"))
            _cancel_tasks(connection, (TASKS.c.chunk_id == chunk_id, _UNFINISHED), select(literal("")).where(false()))

    def _select(self, silent_for: timedelta | None = None, run_id: str | None = None) -> list[SubmittedRun]:
        with self._database.reading() as connection:
            rows = [
                (name, row)
                for name, table in _TABLES.items()
                for row in connection.execute(_submitted(table, silent_for, run_id)).mappings()
            ]
        return [_run_of(name, row) for name, row in rows]


def cancel_lines(connection: Connection, batch_id: BatchId) -> None:
    live_chunks = _end_waiting_chunks(connection, batch_id)
    _cancel_tasks(connection, (TASKS.c.batch == batch_id, _UNFINISHED), live_chunks)


def _end_waiting_chunks(connection: Connection, batch_id: BatchId) -> Select[tuple[Any]]:
    """End the chunks that no run has; a query of the others."""
    live_chunks = select(CHUNKS.c.id).where(CHUNKS.c.batch_id == batch_id, CHUNKS.c.status == "processing")
    waiting = update(CHUNKS).where(CHUNKS.c.id.in_(live_chunks), CHUNKS.c.owner.is_(None))
    connection.execute(waiting.values(status="ended"))
    return live_chunks


def _submitted(table: Any, silent_for: timedelta | None, run_id: str | None) -> Select[Any]:
    matching: list[ColumnElement[bool]] = [table.c.status == "processing", table.c.run_id.is_not(None)]
    if silent_for is not None:
        matching.append(table.c.beat < func.now() - silent_for)
    if run_id is not None:
        matching.append(table.c.run_id == run_id)
    return select(table).where(*matching)


def _run_of(name: PendingObject, row: Any) -> SubmittedRun:
    return SubmittedRun(
        object=name,
        id=row["id"],
        attempt=row["attempt"],
        run_id=row["run_id"],
        begun=row["beat"] is not None,
        losses=row["losses"],
        slots=tuple(slot for slot in row.get("slots") or () if slot != SLOT_REQUESTED),
    )


def _claim(connection: Connection, name: PendingObject, limit: int, most: dict[str, int | None]) -> list[PendingRun]:
    table = _TABLES[name]
    most_rows = min(limit, MAX_WAITING_IMPORTS) if name == "import" else limit
    due = _due(name).order_by(table.c.due).limit(most_rows).with_for_update(skip_locked=True)
    claimed = update(table).where(table.c.id.in_(due)).values(due=func.now() + CLAIM_TIME, tries=table.c.tries + 1)
    rows = connection.execute(claimed.returning(table), most if name == "import" else {}).mappings().all()
    return [_pending(connection, name, row) for row in rows]


def _pending(connection: Connection, name: PendingObject, row: Any) -> PendingRun:
    if name == "import":
        called = connection.execute(select(FILES.c.name).where(FILES.c.id == row["id"])).scalar()
        shown = " · ".join(("an address" if called is None else called, row["id"]))
        return PendingRun(name, row["id"], None, ProjectId(row["project_id"]), row["attempt"], shown, row["tries"])
    batch_id = row["id"] if name == "batch" else row["batch_id"]
    batch = connection.execute(select(BATCHES).where(BATCHES.c.id == batch_id)).mappings().one()
    return PendingRun(
        object=name,
        id=row["id"],
        batch_id=BatchId(batch_id),
        project_id=ProjectId(row["project_id"]),
        attempt=row["attempt"],
        name=row["name"] if name == "chunk" else batch_of(batch).title,
        tries=row["tries"],
        parent=batch["parent_task_run"] if name == "chunk" else None,
    )


def _cancel_tasks(
    connection: Connection, matching: tuple[ColumnElement[bool], ...], running_chunks: Select[tuple[Any]]
) -> None:
    """Tasks that a run converts are marked; the others end now."""
    lock_tasks(connection, *matching)
    begun = or_(TASKS.c.owner.is_not(None), TASKS.c.chunk_id.in_(running_chunks))
    connection.execute(update(TASKS).where(*matching, begun).values(cancelling=True, state="cancelling"))
    _end_tasks(connection, "The batch was cancelled.", *matching, ~func.coalesce(begun, False))


def _end_tasks(connection: Connection, message: str, *matching: ColumnElement[bool]) -> None:
    error = asdict(TaskError(errors.Cancelled.code, message))
    now = {"status": "cancelled", "state": "cancelled", "error": error, "updated": func.now()}
    ended = update(TASKS).where(*matching).values(now).returning(TASKS.c.id)
    ids = {TaskId(task_id) for task_id in connection.execute(ended).scalars()}
    connection.execute(delete(OUTBOX).where(OUTBOX.c.task_id.in_(ids)))
    notify_tasks(connection, ids)
