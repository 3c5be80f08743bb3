"""The records of tasks, for the API, the dispatcher, the runs and the reconciler."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from penstock.domain import errors
from penstock.domain.attempts import HeldSlot, Losses, LostAttempt, OutboxEntry, QueueLimits, SubmittedAttempt
from penstock.domain.batch.batch import ConvertedLine
from penstock.domain.ids import ProjectId, TaskId, is_id
from penstock.domain.pagination import MAX_TOTAL, Listing, ListQuery
from penstock.domain.receipt import Receipt
from penstock.domain.request import SourceRequest
from penstock.domain.task import File, InputVersion, State, Task, TaskError, needs_new_attempt
from penstock.records import attempts, new_tasks, outbox
from penstock.records.batches.line_tasks import publishing_note
from penstock.records.database import Database
from penstock.records.rows import SHOWN_TASKS, task_of
from penstock.records.tables import TASKS
from penstock.records.webhooks import add_receivers

_BY_ID_AND_PROJECT = SHOWN_TASKS.where(TASKS.c.id == bindparam("wanted"), TASKS.c.project_id == bindparam("owner"))


class Tasks:
    """The tasks of all projects. Every change is one transaction, announced by `penstock.records.notifications`."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def find_current(self, project_id: ProjectId, request: SourceRequest) -> Task | None:
        """The task of this request; None if there is none, or if the request starts another attempt of it."""
        task = self._find_by_request(project_id, request)
        return None if task is None or needs_new_attempt(task, request) else task

    def submit(self, project_id: ProjectId, request: SourceRequest, queue: QueueLimits | None = None) -> Task:
        """The task of this request: the existing one, perhaps with a new attempt, or a new one. Its `webhook_url`
        becomes a receiver of the task.

        Raises `QueueFull` if no attempt may be added, `FileNotFound` if the input file does not exist.
        """
        task = self._find_by_request(project_id, request)
        if task and not needs_new_attempt(task, request):
            self.add_receivers(project_id, [(task.id, request.webhook_url)])
            return task
        several_statements = task or request.file_id or request.webhook_url
        with self._database.writing() if several_statements else self._database.writing_one_statement() as connection:
            submitted = new_tasks.submit_task(connection, project_id, request, task, queue or QueueLimits())
            add_receivers(connection, project_id, [(submitted.id, request.webhook_url)])
            return submitted

    def add_receivers(self, project_id: ProjectId, named: Sequence[tuple[str, str | None]]) -> None:
        """Add the addresses that requests name to the receivers of their tasks; one that has ended is delivered now."""
        if any(url for _, url in named):
            with self._database.writing() as connection:
                add_receivers(connection, project_id, named)

    def submit_for_run(
        self, project_id: ProjectId, request: SourceRequest, run_id: str, queue: QueueLimits | None = None
    ) -> Task:
        """The task of a request that a flow run submits for itself. Its `run_id` is that run's if this run does the
        attempt."""
        task = self._find_by_request(project_id, request)
        with self._database.writing() as connection:
            if task is None or needs_new_attempt(task, request):
                task = new_tasks.submit_task(connection, project_id, request, task, queue or QueueLimits())
            add_receivers(connection, project_id, [(task.id, request.webhook_url)])
            outbox.assign_run(connection, task.id, task.attempt, run_id)
            return attempts.get_by_id(connection, task.id)

    def get(self, project_id: ProjectId, task_id: str) -> Task:
        """Raises `TaskNotFound`, also for a task of another project."""
        with self._database.reading() as connection:
            return _own(connection, project_id, task_id)

    def page(self, project_id: ProjectId, query: ListQuery) -> Listing[Task]:
        matching = _matching(project_id, query)
        order = (getattr(TASKS.c.created, query.order)(), getattr(TASKS.c.id, query.order)())
        # The ids of the page come from an index alone; only the rows of this page are read.
        chosen = select(TASKS.c.id).where(*matching).order_by(*order).limit(query.limit).offset(query.offset).subquery()
        shown = SHOWN_TASKS.where(TASKS.c.id.in_(select(chosen.c.id))).order_by(*order)
        counted = select(func.count()).select_from(select(TASKS.c.id).where(*matching).limit(MAX_TOTAL).subquery())
        with self._database.reading() as connection:
            items = tuple(task_of(row) for row in connection.execute(shown).mappings())
            return Listing(items, connection.execute(counted).scalar_one(), query)

    def cancel(self, project_id: ProjectId, task_id: str) -> Task:
        """Cancel a task: now if no run has begun, else its run will end it. Raises `TaskEnded`, `TaskNotFound`."""
        with self._database.writing() as connection:
            task = _own(connection, project_id, task_id)
            connection.execute(select(TASKS.c.id).where(TASKS.c.id == task.id).with_for_update())
            task = _own(connection, project_id, task.id)
            if task.status != "processing":
                raise errors.TaskEnded(f"The task is already {task.status}, so it cannot be cancelled.")
            _cancel(connection, task)
            return _own(connection, project_id, task_id)

    def claim_due(self, limit: int, per_project: int | None = None) -> list[OutboxEntry]:
        """Up to `limit` attempts that need a flow run, at most `per_project` of one project; claimed for 30 s."""
        with self._database.writing() as connection:
            return outbox.claim_due(connection, limit, per_project)

    def record_run(self, entry: OutboxEntry, run_id: str) -> bool:
        """Record the flow run of an attempt. False: the attempt has ended or been replaced, so the run is not
        needed."""
        with self._database.writing() as connection:
            return outbox.record_run(connection, entry, run_id)

    def drop_pending(self, entry: OutboxEntry) -> None:
        """Remove an attempt that needs no run any more from the outbox."""
        with self._database.writing() as connection:
            outbox.drop_pending(connection, entry)

    def postpone(self, entry: OutboxEntry, seconds: float) -> None:
        """Make an attempt claimable again, after `seconds`."""
        with self._database.writing() as connection:
            outbox.postpone(connection, entry, seconds)

    def begin(self, task_id: TaskId, attempt: int, owner: str, run_id: str) -> Task:
        """Take an attempt for this owner. Raises `Superseded` if it is another owner's or has ended.

        A failed current attempt is reopened, so that a flow run can be retried by hand in Prefect.
        """
        with self._database.writing() as connection:
            return attempts.begin(connection, task_id, attempt, (owner, run_id), self._lease)

    def heartbeat(self, task_id: TaskId, attempt: int, owner: str, state: State, progress: int) -> bool:
        """Record a heartbeat. True: the task is to be cancelled. Raises `Superseded`."""
        with self._database.writing() as connection:
            return attempts.record_heartbeat(connection, (task_id, attempt, owner), state, progress)

    def record_slot(self, task_id: TaskId, attempt: int, owner: str, slot: str | None) -> None:
        """Record the lease of the attempt's encoder slot, `SLOT_REQUESTED`, or None."""
        with self._database.writing_one_statement() as connection:
            attempts.record_slot(connection, (task_id, attempt, owner), slot)

    def held_slots(self) -> list[HeldSlot]:
        """The encoder slots that unfinished attempts hold or have requested."""
        with self._database.reading() as connection:
            return attempts.held_slots(connection)

    def record_input_version(self, task_id: TaskId, attempt: int, version: InputVersion) -> None:
        """Record which version of its input an attempt converts."""
        with self._database.writing() as connection:
            attempts.record_input_version(connection, task_id, attempt, version)

    def record_plan(self, task_id: TaskId, attempt: int, plan: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            attempts.record_plan(connection, task_id, attempt, plan)

    def record_publishing(self, attempt: tuple[TaskId, int, str], line: ConvertedLine) -> str | None:
        """Note which output an attempt publishes next; returns the sha256 of what was noted before. Raises
        `Superseded`."""
        with self._database.writing() as connection:
            return attempts.record_publishing(connection, attempt, publishing_note(line))

    def complete(self, task_id: TaskId, attempt: int, owner: str, file: File, receipt: Receipt | None = None) -> Task:
        """Complete the task: output, receipt and status in one transaction. Raises `Cancelled`, `Superseded`."""
        with self._database.writing() as connection:
            return attempts.complete(connection, (task_id, attempt, owner), file, receipt)

    def end(
        self,
        task_id: TaskId,
        attempt: int,
        status: Literal["failed", "cancelled"],
        failure: TaskError | None = None,
        *,
        owner: str | None = None,
    ) -> bool:
        """End an attempt without output. False: it had ended, or is not this `owner`'s."""
        with self._database.writing() as connection:
            return attempts.end(connection, (task_id, attempt), status, failure, owner)

    def set_state(self, task_id: TaskId, attempt: int, state: State) -> None:
        """Set the state of an unfinished attempt."""
        with self._database.writing() as connection:
            attempts.set_state(connection, task_id, attempt, state)

    def lost_attempts(self, lease_seconds: float) -> list[LostAttempt]:
        """Attempts that have begun but sent no heartbeat for `lease_seconds`."""
        with self._database.reading() as connection:
            return attempts.lost_attempts(connection, timedelta(seconds=lease_seconds))

    def retry_lost(self, task_id: TaskId, attempt: int) -> int | None:
        """Start another attempt in place of a lost one; returns its number. None: the task has ended or is to be
        cancelled."""
        with self._database.writing() as connection:
            return new_tasks.start_next_attempt(connection, task_id, attempt, counts_loss=True)

    def give_back(self, task_id: TaskId, attempt: int, owner: str) -> int | None:
        """Start another attempt in place of one that its owner stops in order, without counting a loss.

        Returns its number. None: the attempt is not this owner's any more, or is to be cancelled."""
        with self._database.writing() as connection:
            return new_tasks.start_next_attempt(connection, task_id, attempt, counts_loss=False, owner=owner)

    def losses(self, task_id: TaskId) -> Losses:
        """Those of this task if its present attempt is lost; one that only waited is none."""
        query = select(TASKS.c.losses + new_tasks.PRESENT_LOSS, new_tasks.LOST_IN).where(TASKS.c.id == task_id)
        with self._database.reading() as connection:
            count, state = connection.execute(query).one()
            return Losses(count, None if state == new_tasks.SEVERAL else state)

    def quarantined(self) -> list[Task]:
        """The tasks of all projects whose inputs are quarantined, the latest first."""
        query = SHOWN_TASKS.where(*attempts.QUARANTINED).order_by(TASKS.c.updated.desc())
        with self._database.reading() as connection:
            return [task_of(row) for row in connection.execute(query).mappings()]

    def release(self, task_id: str) -> None:
        """Let the request of a quarantined task start another attempt. Raises `TaskNotFound` if it is not one."""
        with self._database.writing() as connection:
            attempts.release(connection, task_id)

    def submitted_attempts(self, limit: int, after: str = "") -> list[SubmittedAttempt]:
        """Unfinished attempts that have a flow run, by task id, after the id `after`."""
        with self._database.reading() as connection:
            return attempts.submitted_attempts(connection, limit, after)

    def find_by_run(self, run_id: str) -> tuple[TaskId, int] | None:
        """Task and attempt of a flow run."""
        with self._database.reading() as connection:
            return attempts.find_by_run(connection, run_id)

    def current_run_ids(self, run_ids: Sequence[str]) -> set[str]:
        """Those of these flow runs that are the current ones of unfinished tasks."""
        with self._database.reading() as connection:
            return attempts.current_run_ids(connection, run_ids)

    def get_by_id(self, task_id: TaskId) -> Task:
        """The task of any project; for those who run it. Raises `TaskNotFound`."""
        with self._database.reading() as connection:
            return attempts.get_by_id(connection, task_id)

    def _find_by_request(self, project_id: ProjectId, request: SourceRequest) -> Task | None:
        with self._database.reading() as connection:
            return new_tasks.find_by_request(connection, project_id, request)


def _cancel(connection: Connection, task: Task) -> None:
    statement = update(TASKS).where(TASKS.c.id == task.id, TASKS.c.owner.is_not(None))
    statement = statement.values(cancelling=True, state="cancelling", updated=func.now())
    if connection.execute(statement).rowcount == 0:  # no run has begun
        attempts.end(connection, (task.id, task.attempt), "cancelled", None)


def _own(connection: Connection, project_id: ProjectId, task_id: str) -> Task:
    parameters = {"owner": project_id, "wanted": task_id}
    row = connection.execute(_BY_ID_AND_PROJECT, parameters).mappings().first() if is_id(task_id) else None
    if row is None:
        raise errors.TaskNotFound("There is no such task.")
    return task_of(row)


def _matching(project_id: ProjectId, query: ListQuery) -> list[ColumnElement[bool]]:
    values = {"kind": query.kind, "status": query.status, "format": query.format}
    filters = [TASKS.c[name] == value for name, value in values.items() if value is not None]
    return [TASKS.c.project_id == project_id, *filters]
