"""The tasks: what the API asks of them, what dispatchers and runs tell them, and how lost ones are found."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from penstock.domain import errors
from penstock.domain.attempts import HeldSlot, LostAttempt, OutboxEntry, QueueLimits, SubmittedAttempt
from penstock.domain.ids import ProjectId, TaskId, is_id
from penstock.domain.listing import MAX_TOTAL, Listing, ListQuery
from penstock.domain.receipt import Receipt
from penstock.domain.request import SourceRequest
from penstock.domain.task import File, InputVersion, State, Task, TaskError, needs_new_attempt
from penstock.records import attempts, new_tasks, outbox
from penstock.records.database import Database
from penstock.records.rows import SHOWN_TASKS, task_of
from penstock.records.tables import TASKS

_OWN = SHOWN_TASKS.where(TASKS.c.id == bindparam("wanted"), TASKS.c.project_id == bindparam("owner"))


class Tasks:
    """Task rows. Every change is one transaction, told to `penstock.records.notifications`."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def find_current(self, project_id: ProjectId, request: SourceRequest) -> Task | None:
        """The task of this request, unless asking again has to run it again."""
        task = self._same(project_id, request)
        return None if task is None or needs_new_attempt(task, request) else task

    def submit(self, project_id: ProjectId, request: SourceRequest, queue: QueueLimits | None = None) -> Task:
        """The task of this request: known, new, or reopened for another attempt.

        Raises `QueueFull` where there is no place for a new attempt, `FileNotFound` for an input that we do not hold.
        """
        task = self._same(project_id, request)
        if task and not needs_new_attempt(task, request):
            return task
        several_steps = task or request.file_id
        with self._database.writing() if several_steps else self._database.writing_at_once() as connection:
            return new_tasks.open_task(connection, project_id, request, task, queue or QueueLimits())

    def submit_for_run(
        self, project_id: ProjectId, request: SourceRequest, run_id: str, queue: QueueLimits | None = None
    ) -> Task:
        """The task of a request that a flow run brings itself; `run_id` is that run's if the attempt is its to do."""
        task = self._same(project_id, request)
        with self._database.writing() as connection:
            if task is None or needs_new_attempt(task, request):
                task = new_tasks.open_task(connection, project_id, request, task, queue or QueueLimits())
            outbox.adopted(connection, task.id, task.attempt, run_id)
            return attempts.read(connection, task.id)

    def get(self, project_id: ProjectId, task_id: str) -> Task:
        """Raises `TaskNotFound`, also for another project's."""
        with self._database.reading() as connection:
            return _own(connection, project_id, task_id)

    def page(self, project_id: ProjectId, query: ListQuery) -> Listing[Task]:
        matching = _matching(project_id, query)
        order = (getattr(TASKS.c.created, query.order)(), getattr(TASKS.c.id, query.order)())
        # The page is chosen in an index alone; only its own rows are then looked up.
        chosen = select(TASKS.c.id).where(*matching).order_by(*order).limit(query.limit).offset(query.offset).subquery()
        shown = SHOWN_TASKS.where(TASKS.c.id.in_(select(chosen.c.id))).order_by(*order)
        counted = select(func.count()).select_from(select(TASKS.c.id).where(*matching).limit(MAX_TOTAL).subquery())
        with self._database.reading() as connection:
            items = tuple(task_of(row) for row in connection.execute(shown).mappings())
            return Listing(items, connection.execute(counted).scalar_one(), query)

    def cancel(self, project_id: ProjectId, task_id: str) -> Task:
        """Ask for a task's end: at once where no run has begun, else by its run. Raises `TaskEnded`, `TaskNotFound`."""
        with self._database.writing() as connection:
            task = _own(connection, project_id, task_id)
            connection.execute(select(TASKS.c.id).where(TASKS.c.id == task.id).with_for_update())
            task = _own(connection, project_id, task.id)
            if task.status != "processing":
                raise errors.TaskEnded(f"The task is already {task.status}, so it cannot be cancelled.")
            _cancel(connection, task)
            return _own(connection, project_id, task_id)

    def claim_due(self, limit: int, per_project: int | None = None) -> list[OutboxEntry]:
        """Attempts to make a run of, as many as a project may have at once; each is lent to this caller for 30 s."""
        with self._database.writing() as connection:
            return outbox.due(connection, limit, per_project)

    def record_run(self, submission: OutboxEntry, run_id: str) -> bool:
        """Note the run of an attempt. False: nobody wants that run any more."""
        with self._database.writing() as connection:
            return outbox.submitted(connection, submission, run_id)

    def drop_pending(self, submission: OutboxEntry) -> None:
        """Forget a submission whose attempt needs no run any more."""
        with self._database.writing() as connection:
            outbox.withdrawn(connection, submission)

    def postpone(self, submission: OutboxEntry, seconds: float) -> None:
        with self._database.writing() as connection:
            outbox.postponed(connection, submission, seconds)

    def begin(self, task_id: TaskId, attempt: int, owner: str, run_id: str) -> Task:
        """Take an attempt for this owner. Raises `Superseded` when it is another's, or has ended.

        The current attempt, if it failed, is reopened: that is how a run is tried again by hand.
        """
        with self._database.writing() as connection:
            return attempts.begin(connection, task_id, attempt, (owner, run_id), self._lease)

    def heartbeat(self, task_id: TaskId, attempt: int, owner: str, state: State, progress: int) -> bool:
        """Still at work; True: the task is to be cancelled. Raises `Superseded`."""
        with self._database.writing() as connection:
            return attempts.beat(connection, (task_id, attempt, owner), state, progress)

    def record_slot(self, task_id: TaskId, attempt: int, owner: str, slot: str | None) -> None:
        """Note the lease of the encoder slot that this attempt holds, that it asks for one, or that it has none."""
        with self._database.writing_at_once() as connection:
            attempts.note_slot(connection, (task_id, attempt, owner), slot)

    def held_slots(self) -> list[HeldSlot]:
        """The encoder slots that unfinished attempts hold or ask for."""
        with self._database.reading() as connection:
            return attempts.slots(connection)

    def record_input_version(self, task_id: TaskId, attempt: int, version: InputVersion) -> None:
        """Note which version of its input an attempt works on."""
        with self._database.writing() as connection:
            attempts.fetched(connection, task_id, attempt, version)

    def record_plan(self, task_id: TaskId, attempt: int, plan: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            attempts.planned(connection, task_id, attempt, plan)

    def complete(self, task_id: TaskId, attempt: int, owner: str, file: File, receipt: Receipt | None = None) -> Task:
        """The output visible, its receipt filed and the task completed, at once. Raises `Superseded`."""
        with self._database.writing() as connection:
            return attempts.finish(connection, (task_id, attempt, owner), file, receipt)

    def end(
        self,
        task_id: TaskId,
        attempt: int,
        status: Literal["failed", "cancelled"],
        failure: TaskError | None = None,
        *,
        owner: str | None = None,
    ) -> bool:
        """Close an attempt without an output; False if it is not open, or not this `owner`'s."""
        with self._database.writing() as connection:
            return attempts.end(connection, (task_id, attempt), status, failure, owner)

    def set_state(self, task_id: TaskId, attempt: int, state: State) -> None:
        with self._database.writing() as connection:
            attempts.restate(connection, task_id, attempt, state)

    def lost_attempts(self, lease_seconds: float) -> list[LostAttempt]:
        """Begun attempts that were not heard of for so long."""
        with self._database.reading() as connection:
            return attempts.lost(connection, timedelta(seconds=lease_seconds))

    def retry_lost(self, task_id: TaskId, attempt: int) -> int | None:
        """The number of another attempt in place of a lost one; None if it is not live, or is to be cancelled."""
        with self._database.writing() as connection:
            return new_tasks.next_attempt(connection, task_id, attempt, losses=1)

    def give_back(self, task_id: TaskId, attempt: int, owner: str) -> int | None:
        """Another attempt in place of one that its owner gives back in good order; no loss.

        None if it is not this owner's any more, or is to be cancelled."""
        with self._database.writing() as connection:
            return new_tasks.next_attempt(connection, task_id, attempt, losses=0, owner=owner)

    def count_losses(self, task_id: TaskId) -> int:
        """How many runs of this request were lost so far."""
        with self._database.reading() as connection:
            return int(connection.execute(select(TASKS.c.losses).where(TASKS.c.id == task_id)).scalar_one())

    def submitted_attempts(self, limit: int, after: str = "") -> list[SubmittedAttempt]:
        """Submitted attempts that have not ended, by task id from `after` on."""
        with self._database.reading() as connection:
            return attempts.unfinished(connection, limit, after)

    def find_by_run(self, run_id: str) -> tuple[TaskId, int] | None:
        with self._database.reading() as connection:
            return attempts.of_run(connection, run_id)

    def current_run_ids(self, run_ids: Sequence[str]) -> set[str]:
        """Those of these runs that are the present ones of unfinished tasks."""
        with self._database.reading() as connection:
            return attempts.wanted(connection, run_ids)

    def get_by_id(self, task_id: TaskId) -> Task:
        """A task whosever it is; for those who run it."""
        with self._database.reading() as connection:
            return attempts.read(connection, task_id)

    def _same(self, project_id: ProjectId, request: SourceRequest) -> Task | None:
        with self._database.reading() as connection:
            return new_tasks.same_request(connection, project_id, request)


def _cancel(connection: Connection, task: Task) -> None:
    asked = update(TASKS).where(TASKS.c.id == task.id, TASKS.c.owner.is_not(None))
    asked = asked.values(cancelling=True, state="cancelling", updated=func.now())
    if connection.execute(asked).rowcount == 0:  # nobody has begun
        attempts.end(connection, (task.id, task.attempt), "cancelled", None)


def _own(connection: Connection, project_id: ProjectId, task_id: str) -> Task:
    asked = {"owner": project_id, "wanted": task_id}
    row = connection.execute(_OWN, asked).mappings().first() if is_id(task_id) else None
    if row is None:
        raise errors.TaskNotFound("There is no such task.")
    return task_of(row)


def _matching(project_id: ProjectId, query: ListQuery) -> list[ColumnElement[bool]]:
    wanted = {"kind": query.kind, "status": query.status, "format": query.format}
    filters = [TASKS.c[name] == value for name, value in wanted.items() if value is not None]
    return [TASKS.c.project_id == project_id, *filters]
