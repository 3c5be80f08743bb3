"""The batches of all projects, for the API, the dispatcher, the coordinating runs and the reconciler."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, case, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.domain import errors
from penstock.domain.batch.batch import Batch, BatchOrder, BatchStage, BatchStatus
from penstock.domain.batch.spec import BatchSpec, Only, RunOptions
from penstock.domain.ids import BatchId, FileId, ProjectId, is_id, new_batch_id
from penstock.domain.pagination import MAX_TOTAL, Listing, ListQuery
from penstock.domain.task import TaskError
from penstock.records import notifications
from penstock.records.batches.batch_rows import batch_of
from penstock.records.batches.item_records import cancel_items, replace_lines
from penstock.records.batches.run_records import cancel_lines
from penstock.records.database import Database
from penstock.records.new_tasks import notify
from penstock.records.tables import BATCHES
from penstock.records.webhooks import add_receivers

_LIVE = BATCHES.c.status == "processing"
_NEW_RUN: dict[str, Any] = {
    "status": "processing",
    "stage": "listing",
    "losses": 0,
    "cancelling": False,
    "paused": False,
    "owner": None,
    "beat": None,
    "run_id": None,
    "parent_task_run": None,
    "tries": 0,
    "error": None,
    "manifest_id": None,
    "started": None,
    "ended": None,
}


class Batches:
    """Every change is one transaction. `lease_seconds`: a run without a heartbeat for so long has lost its batch."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def submit(self, project_id: ProjectId, order: BatchOrder) -> Batch:
        """The batch of this spec: new, as it is while it runs, or with another run."""
        with self._database.writing() as connection:
            spec, options = order.spec, order.options
            row = {"id": new_batch_id(), "project_id": project_id, "fingerprint": spec.fingerprint()}
            stage = connection.execute(select(BATCHES.c.stage).where(*_same_spec(row)).with_for_update()).scalar()
            values = row | _asked(spec, _possible(options, stage)) | {"trusted": order.trusted, "run_id": order.run_id}
            created = upsert(BATCHES).values(values).on_conflict_do_nothing().returning(BATCHES.c.id)
            run_of = connection.execute(created).scalar() or _reopen(connection, row, values)
            if run_of is not None and order.lines:
                replace_lines(connection, BatchId(run_of), order.lines)
            batch = _get(connection, *_same_spec(row))
            add_receivers(connection, project_id, [(batch.id, options.webhook_url)])
            notify(connection, notifications.OUTBOX, batch.id)
            return batch

    def is_running(self, project_id: ProjectId, spec: BatchSpec) -> bool:
        """Whether a run of the batch of this spec has not ended."""
        row = {"project_id": project_id, "fingerprint": spec.fingerprint()}
        with self._database.reading() as connection:
            return connection.execute(select(BATCHES.c.id).where(*_same_spec(row), _LIVE)).first() is not None

    def rerun(self, project_id: ProjectId, batch_id: str, only: Only) -> Batch:
        """Run an ended batch again. Raises `NotFound`, `TaskEnded` for one that has not ended."""
        with self._database.writing() as connection:
            batch = _own(connection, project_id, batch_id)
            options = _possible(RunOptions(only=only, webhook_url=batch.options.webhook_url), batch.stage)
            ended = update(BATCHES).where(BATCHES.c.id == batch.id, ~_LIVE)
            values = _NEW_RUN | {"options": options.model_dump(mode="json"), "attempt": BATCHES.c.attempt + 1}
            if connection.execute(ended.values(values | _due_now())).rowcount == 0:
                raise errors.TaskEnded("The batch is still running; wait until it ends, or cancel it.")
            notify(connection, notifications.OUTBOX, batch.id)
            return _own(connection, project_id, batch_id)

    def get(self, project_id: ProjectId, batch_id: str) -> Batch:
        """Raises `NotFound`, also for a batch of another project."""
        with self._database.reading() as connection:
            return _own(connection, project_id, batch_id)

    def get_by_id(self, batch_id: str) -> Batch:
        """The batch of any project, for those who run it."""
        with self._database.reading() as connection:
            return _get(connection, BATCHES.c.id == batch_id)

    def page(self, project_id: ProjectId, query: ListQuery, status: BatchStatus | None = None) -> Listing[Batch]:
        matching = [BATCHES.c.project_id == project_id, *([_has_status(status)] if status else [])]
        order = (getattr(BATCHES.c.created, query.order)(), getattr(BATCHES.c.id, query.order)())
        shown = select(BATCHES).where(*matching).order_by(*order).limit(query.limit).offset(query.offset)
        counted = select(func.count()).select_from(select(BATCHES.c.id).where(*matching).limit(MAX_TOTAL).subquery())
        with self._database.reading() as connection:
            found = tuple(batch_of(row) for row in connection.execute(shown).mappings())
            return Listing(found, connection.execute(counted).scalar_one(), query)

    def cancel(self, project_id: ProjectId, batch_id: str) -> Batch:
        """Stop a batch: its run ends it; where none has begun it ends now. Raises `NotFound`, `TaskEnded`."""
        begun = BATCHES.c.owner.is_not(None)
        values = {"cancelling": True, "status": case((begun, "processing"), else_="cancelled")}
        ended = case((begun, None), else_=func.now())
        with self._database.writing() as connection:
            batch = _change(connection, project_id, batch_id, values | {"ended": ended, "paused": False})
            if batch.status == "cancelled":
                cancel_lines(connection, batch.id)
                cancel_items(connection, batch.id)
            return batch

    def is_cancelling(self, batch_id: BatchId) -> bool:
        """Whether somebody has cancelled this run of the batch."""
        with self._database.reading() as connection:
            return bool(connection.execute(select(BATCHES.c.cancelling).where(BATCHES.c.id == batch_id)).scalar())

    def pause(self, project_id: ProjectId, batch_id: str, *, paused: bool) -> Batch:
        """Start no new lines, or go on. What runs ends. Raises `NotFound`, `TaskEnded`."""
        with self._database.writing() as connection:
            return _change(connection, project_id, batch_id, {"paused": paused})

    def begin(self, batch_id: BatchId, attempt: int, owner: str, run_id: str) -> Batch:
        """Take an attempt for this owner. Raises `Superseded` if it is another owner's or has ended."""
        free = or_(BATCHES.c.owner.is_(None), BATCHES.c.owner == owner, BATCHES.c.beat < func.now() - self._lease)
        started = func.coalesce(BATCHES.c.started, func.now())
        taken = {"owner": owner, "run_id": run_id, "beat": func.now(), "started": started, "updated": func.now()}
        with self._database.writing() as connection:
            _must_change(connection, _attempt(batch_id, attempt).where(_LIVE, free).values(taken))
            return _get(connection, BATCHES.c.id == batch_id)

    def heartbeat(self, batch_id: BatchId, attempt: int, owner: str) -> bool:
        """Record a heartbeat. True: the batch is to be cancelled. Raises `Superseded`."""
        with self._database.writing_one_statement() as connection:
            return bool(_must_change(connection, _owned(batch_id, attempt, owner).values(beat=func.now())))

    def set_stage(self, batch_id: BatchId, attempt: int, owner: str, stage: BatchStage) -> None:
        """Record what the coordinating run does next. Raises `Superseded`."""
        with self._database.writing_one_statement() as connection:
            _must_change(connection, _owned(batch_id, attempt, owner).values(stage=stage, updated=func.now()))

    def set_parent(self, batch_id: BatchId, attempt: int, owner: str, task_run_id: str) -> None:
        """Record the Prefect task run under which the child runs are shown."""
        with self._database.writing_one_statement() as connection:
            connection.execute(_owned(batch_id, attempt, owner).values(parent_task_run=task_run_id))

    def end(
        self,
        batch_id: BatchId,
        attempt: int,
        status: BatchStatus,
        error: TaskError | None = None,
        manifest_id: FileId | None = None,
    ) -> bool:
        """End an attempt. False: it had ended, or another one runs."""
        values = {"status": status, "error": asdict(error) if error else None, "manifest_id": manifest_id}
        statement = _attempt(batch_id, attempt).where(_LIVE).values(values)
        with self._database.writing() as connection:
            return connection.execute(statement.values(ended=func.now(), updated=func.now())).rowcount == 1

    def retry(self, batch_id: BatchId, attempt: int, *, losses: int) -> bool:
        """Give the batch another run, which goes on where this attempt stopped. False: it has ended."""
        again = {"owner": None, "beat": None, "run_id": None, "tries": 0, "losses": BATCHES.c.losses + losses}
        statement = _attempt(batch_id, attempt).where(_LIVE).values(again | {"attempt": attempt + 1} | _due_now())
        with self._database.writing() as connection:
            notify(connection, notifications.OUTBOX, batch_id)
            return connection.execute(statement).rowcount == 1


def _asked(spec: BatchSpec, options: RunOptions) -> dict[str, Any]:
    return {"spec": spec.model_dump(mode="json"), "options": options.model_dump(mode="json")}


def _possible(options: RunOptions, stage: str | None) -> RunOptions:
    """The options; for the failed lines alone only where the last run has listed and planned every line: else lines are
    missing, and those that are neither converted nor listed would be lost."""
    is_incomplete = options.only == "failed" and stage == "listing"
    return options.model_copy(update={"only": "changed"}) if is_incomplete else options


def _due_now() -> dict[str, Any]:
    return {"due": func.now(), "updated": func.now()}


def _same_spec(row: dict[str, Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return BATCHES.c.project_id == row["project_id"], BATCHES.c.fingerprint == row["fingerprint"]


def _reopen(connection: Connection, row: dict[str, Any], values: dict[str, Any]) -> str | None:
    """Another run of an ended batch. None: it runs, and keeps what it has."""
    again = {name: values[name] for name in ("spec", "options", "trusted", "run_id")} | {
        "attempt": BATCHES.c.attempt + 1
    }
    ended = update(BATCHES).where(*_same_spec(row), ~_LIVE).values(_NEW_RUN | again | _due_now())
    return connection.execute(ended.returning(BATCHES.c.id)).scalar()


def _change(connection: Connection, project_id: ProjectId, batch_id: str, values: dict[str, Any]) -> Batch:
    """The changed batch. Raises `NotFound`, `TaskEnded`."""
    batch = _own(connection, project_id, batch_id)
    statement = update(BATCHES).where(BATCHES.c.id == batch.id, _LIVE)
    if connection.execute(statement.values(values | {"updated": func.now()})).rowcount == 0:
        raise errors.TaskEnded(f"The batch is already {batch.status}.")
    return _own(connection, project_id, batch_id)


def _has_status(status: BatchStatus) -> ColumnElement[bool]:
    match status:
        case "paused":
            return _LIVE & BATCHES.c.paused
        case "processing":
            return _LIVE & ~BATCHES.c.paused
        case _:
            return BATCHES.c.status == status


def _get(connection: Connection, *matching: ColumnElement[bool]) -> Batch:
    row = connection.execute(select(BATCHES).where(*matching)).mappings().first()
    if row is None:
        raise errors.NotFound("There is no such batch.")
    return batch_of(row)


def _own(connection: Connection, project_id: ProjectId, batch_id: str) -> Batch:
    wanted = BATCHES.c.id == batch_id if is_id(batch_id) else ~true()
    return _get(connection, BATCHES.c.project_id == project_id, wanted)


def _attempt(batch_id: BatchId, attempt: int) -> Update:
    return update(BATCHES).where(BATCHES.c.id == batch_id, BATCHES.c.attempt == attempt)


def _owned(batch_id: BatchId, attempt: int, owner: str) -> Update:
    return _attempt(batch_id, attempt).where(_LIVE, BATCHES.c.owner == owner)


def _must_change(connection: Connection, statement: Update) -> bool:
    """Whether the batch is to be cancelled. Raises `Superseded` where the statement changes nothing."""
    row = connection.execute(statement.returning(BATCHES.c.cancelling)).first()
    if row is None:
        raise errors.Superseded("Another run has taken this batch.")
    return bool(row[0])
