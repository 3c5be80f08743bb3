"""The chunks of batches and the tasks that their runs convert. Every statement of a run names the chunk's attempt and
owner, so that a run that lost its chunk changes nothing."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Update, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import array

from penstock.domain import errors
from penstock.domain.attempts import HeldSlot
from penstock.domain.batch.batch import Chunk, ConvertedLine
from penstock.domain.batch.workload import QueueKind
from penstock.domain.ids import BatchId, ChunkId, ProjectId, TaskId, new_chunk_id
from penstock.domain.task import Task, TaskError
from penstock.records import notifications
from penstock.records.batches.line_tasks import (
    COMPLETE,
    FAIL,
    INTO_OUTBOX,
    NOTE_PUBLISHING,
    LineTask,
    completion_of,
    failure_row,
    lock_tasks,
    noted_line,
    notify_tasks,
    publishing_note,
    submit_line_tasks,
)
from penstock.records.conversions import hold_bytes
from penstock.records.database import Database
from penstock.records.new_tasks import notify
from penstock.records.receipts import receipt_row
from penstock.records.rows import SHOWN_TASKS, file_row, task_of
from penstock.records.tables import BATCHES, CHUNKS, FILES, OUTBOX, RECEIPTS, TASKS

_LIVE = CHUNKS.c.status == "processing"
_UNFINISHED = TASKS.c.status == "processing"
ChunkLease = tuple[ChunkId, int, str]
# A run in place of one that an error ended begins so many seconds later, twice as many the next time.
FAILED_SECONDS = 5.0


class Chunks:
    """The chunks of all batches."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)

    def submit(
        self, batch_id: BatchId, project_id: ProjectId, queue: QueueKind, name: str, lines: Sequence[LineTask]
    ) -> ChunkId | None:
        """A chunk of these lines, which get tasks; None where each of them is being converted already."""
        chunk_id = new_chunk_id()
        with self._database.writing() as connection:
            if not submit_line_tasks(connection, batch_id, project_id, lines, chunk_id):
                return None
            row = {"id": chunk_id, "batch_id": batch_id, "project_id": project_id, "queue": queue, "name": name}
            connection.execute(insert(CHUNKS).values(row))
            notify(connection, notifications.OUTBOX, chunk_id)
        return chunk_id

    def submit_alone(self, batch_id: BatchId, project_id: ProjectId, lines: Sequence[LineTask]) -> None:
        """A task with a run of its own for each line."""
        with self._database.writing() as connection:
            created = submit_line_tasks(connection, batch_id, project_id, lines, None)
            connection.execute(INTO_OUTBOX, {"ids": created})
            notify(connection, notifications.OUTBOX, batch_id)

    def count_waiting(self, batch_id: BatchId) -> tuple[int, int]:
        """Chunks, and lines with a run of their own, that no run has begun."""
        chunks = select(func.count()).where(CHUNKS.c.batch_id == batch_id, _LIVE, CHUNKS.c.beat.is_(None))
        alone = select(func.count()).select_from(OUTBOX.join(TASKS, TASKS.c.id == OUTBOX.c.task_id))
        unbegun = select(func.count()).where(
            TASKS.c.batch == batch_id, _UNFINISHED, TASKS.c.chunk_id.is_(None), TASKS.c.run_id.is_not(None),
            TASKS.c.beat.is_(None),
        )  # fmt: skip
        with self._database.reading() as connection:
            waiting = connection.execute(chunks).scalar_one()
            in_outbox = connection.execute(alone.where(TASKS.c.batch == batch_id)).scalar_one()
            return waiting, in_outbox + connection.execute(unbegun).scalar_one()

    def begin(self, chunk_id: ChunkId, attempt: int, owner: str, run_id: str) -> Chunk:
        """Take an attempt of a chunk. Raises `Superseded` if it is another owner's or has ended."""
        free = or_(CHUNKS.c.owner.is_(None), CHUNKS.c.owner == owner, CHUNKS.c.beat < func.now() - self._lease)
        mine = update(CHUNKS).where(CHUNKS.c.id == chunk_id, CHUNKS.c.attempt == attempt, _LIVE, free)
        taken = mine.values(owner=owner, run_id=run_id, beat=func.now(), slots=array([], type_=CHUNKS.c.id.type))
        with self._database.writing() as connection:
            row = connection.execute(taken.returning(CHUNKS)).mappings().first()
            if row is None:
                raise errors.Superseded("Another run has taken this chunk.")
            lines = update(TASKS).where(
                TASKS.c.id.in_(lock_tasks(connection, TASKS.c.chunk_id == chunk_id, _UNFINISHED))
            )
            connection.execute(lines.values(run_id=run_id, state="transcoding", updated=func.now()))
            tasks = tuple(_unfinished(connection, chunk_id))
            noted = _noted(connection, tasks)
        return Chunk(
            id=chunk_id,
            batch_id=BatchId(row["batch_id"]),
            project_id=ProjectId(row["project_id"]),
            queue=row["queue"],
            attempt=attempt,
            name=row["name"],
            lines=tasks,
            noted=noted,
        )

    def heartbeat(self, lease: ChunkLease) -> tuple[bool, set[TaskId]]:
        """Record a heartbeat. Returns whether the batch is to be cancelled, and the tasks that still are to be
        converted. Raises `Superseded`."""
        beat = _owned(lease).values(beat=func.now()).returning(CHUNKS.c.batch_id)
        lines = select(TASKS.c.id).where(TASKS.c.chunk_id == lease[0], _UNFINISHED, TASKS.c.cancelling.is_(False))
        with self._database.reading() as connection:
            batch_id = _required(connection, beat)
            cancelling = connection.execute(select(BATCHES.c.cancelling).where(BATCHES.c.id == batch_id)).scalar()
            return bool(cancelling), {TaskId(task_id) for task_id in connection.execute(lines).scalars()}

    def record_slot(self, lease: ChunkLease, before: str | None, after: str | None) -> None:
        """Replace the note of one encoder slot: none, requested, or its lease id."""
        slots = func.array_remove(CHUNKS.c.slots, before) if before else CHUNKS.c.slots
        slots = func.array_append(slots, after) if after else slots
        with self._database.writing_one_statement() as connection:
            connection.execute(_owned(lease).values(slots=slots))

    def held_slots(self) -> list[HeldSlot]:
        """The encoder slots that chunks hold or have requested."""
        slot = func.unnest(CHUNKS.c.slots)
        query = select(CHUNKS.c.id, CHUNKS.c.attempt, CHUNKS.c.owner, slot).where(_LIVE, CHUNKS.c.owner.is_not(None))
        with self._database.reading() as connection:
            return [HeldSlot(TaskId(row[0]), *row[1:]) for row in connection.execute(query)]

    def record_publishing(self, lease: ChunkLease, lines: Sequence[ConvertedLine]) -> set[TaskId]:
        """Note which outputs are published next, so that a later run finds them. Returns the tasks that may be."""
        with self._database.writing() as connection:
            live = _lock_lines(connection, lease, [line.task.id for line in lines])
            notes = [publishing_note(line) for line in lines if line.task.id in live]
            if notes:
                connection.execute(NOTE_PUBLISHING, notes)
            return live

    def complete(self, lease: ChunkLease, lines: Sequence[ConvertedLine]) -> set[TaskId]:
        """Make the outputs visible and complete their tasks, in one transaction. Returns the completed ones: others
        were cancelled meanwhile. Raises `Superseded`, and `ReusedFileDeleted` if one shares the bytes of a file that
        was deleted: then none is completed."""
        with self._database.writing() as connection:
            live = _lock_lines(connection, lease, [line.task.id for line in lines])
            completed = [line for line in lines if line.task.id in live]
            _hold_shared_bytes(connection, completed)
            if completed:
                connection.execute(insert(FILES), [file_row(line.file) for line in completed])
                rows = [receipt_row(line.task.id, line.task.attempt, line.file, line.receipt) for line in completed]
                connection.execute(insert(RECEIPTS), rows)
                connection.execute(COMPLETE, [completion_of(line) for line in completed])
                notify_tasks(connection, live)
            return live if len(live) == len(lines) else live | _completed_before(connection, lines)

    def fail(self, lease: ChunkLease, failures: Sequence[tuple[TaskId, TaskError]]) -> None:
        """End tasks with their errors; those with the code `cancelled` as cancelled. Raises `Superseded`."""
        with self._database.writing() as connection:
            live = _lock_lines(connection, lease, [task_id for task_id, _ in failures], cancelling=True)
            rows = [failure_row(task_id, error) for task_id, error in failures if task_id in live]
            if rows:
                connection.execute(FAIL, rows)
                notify_tasks(connection, live)

    def release(self, lease: ChunkLease, task_ids: Sequence[TaskId]) -> None:
        """Give these tasks runs of their own: they are too large for a chunk. Raises `Superseded`."""
        with self._database.writing() as connection:
            live = _lock_lines(connection, lease, task_ids)
            _release(connection, list(live))

    def end(self, lease: ChunkLease) -> bool:
        """End the chunk if no task of it is unfinished; else another run goes on. Returns whether it has ended."""
        with self._database.writing() as connection:
            if next(iter(_unfinished(connection, lease[0])), None) is None:
                connection.execute(_owned(lease).values(status="ended"))
                return True
            _give_next_run(connection, lease[0], lease[1], losses=0)
            return False

    def retry(self, chunk_id: ChunkId, attempt: int) -> bool:
        """Another run in place of a lost one. False: the attempt is not the present one."""
        with self._database.writing() as connection:
            return _give_next_run(connection, chunk_id, attempt, losses=1)

    def retry_failed(self, lease: ChunkLease, attempts: int) -> None:
        """Another run, later, in place of one that an error ended; in place of the last of `attempts`, a run of its own
        for every unfinished task. An error that every run has must not start runs for ever."""
        query = select(CHUNKS.c.losses).where(CHUNKS.c.id == lease[0], CHUNKS.c.owner == lease[2], _LIVE)
        with self._database.writing() as connection:
            losses = connection.execute(query.with_for_update()).scalar()
            if losses is None:
                return
            if losses + 1 >= attempts:
                _dissolve(connection, lease[0], lease[1])
            else:
                _give_next_run(connection, lease[0], lease[1], losses=1, seconds=FAILED_SECONDS * (losses + 1))

    def dissolve(self, chunk_id: ChunkId, attempt: int) -> bool:
        """Give every unfinished task a run of its own. False: the attempt is not the present one."""
        with self._database.writing() as connection:
            return _dissolve(connection, chunk_id, attempt)


def _owned(lease: ChunkLease) -> Update:
    chunk_id, attempt, owner = lease
    return update(CHUNKS).where(CHUNKS.c.id == chunk_id, CHUNKS.c.attempt == attempt, CHUNKS.c.owner == owner, _LIVE)


def _required(connection: Connection, statement: Any) -> Any:
    row = connection.execute(statement).first()
    if row is None:
        raise errors.Superseded("Another run has taken this chunk.")
    return row[0]


def _lock_lines(
    connection: Connection, lease: ChunkLease, task_ids: Sequence[TaskId], *, cancelling: bool = False
) -> set[TaskId]:
    """Those of the tasks that this owner may still change. Raises `Superseded`."""
    chunk_id, attempt, owner = lease
    mine = (CHUNKS.c.id == chunk_id, CHUNKS.c.attempt == attempt, CHUNKS.c.owner == owner, _LIVE)
    _required(connection, select(CHUNKS.c.id).where(*mine).with_for_update(read=True))
    wanted = (TASKS.c.id.in_(task_ids), TASKS.c.chunk_id == chunk_id, _UNFINISHED)
    return set(lock_tasks(connection, *wanted, *(() if cancelling else (TASKS.c.cancelling.is_(False),))))


def _hold_shared_bytes(connection: Connection, lines: Sequence[ConvertedLine]) -> None:
    for key in sorted({line.file.key for line in lines if line.file.shares_bytes}):
        if not hold_bytes(connection, key):
            raise errors.ReusedFileDeleted("The output to reuse was deleted.")


def _unfinished(connection: Connection, chunk_id: ChunkId) -> list[Task]:
    query = SHOWN_TASKS.where(TASKS.c.chunk_id == chunk_id, _UNFINISHED).order_by(TASKS.c.created, TASKS.c.id)
    return [task_of(row) for row in connection.execute(query).mappings()]


def _noted(connection: Connection, tasks: Sequence[Task]) -> dict[TaskId, ConvertedLine]:
    """The outputs that an earlier run was about to publish."""
    by_id = {task.id: task for task in tasks}
    query = select(TASKS.c.id, TASKS.c.publishing).where(TASKS.c.id.in_(by_id), TASKS.c.publishing.is_not(None))
    return {TaskId(row[0]): noted_line(by_id[TaskId(row[0])], row[1]) for row in connection.execute(query)}


def _completed_before(connection: Connection, lines: Sequence[ConvertedLine]) -> set[TaskId]:
    """Those that an earlier call has completed with these outputs, whose reply was lost."""
    ours = TASKS.c.output_id.in_([line.file.id for line in lines])
    return {TaskId(task_id) for task_id in connection.execute(select(TASKS.c.id).where(ours)).scalars()}


def _dissolve(connection: Connection, chunk_id: ChunkId, attempt: int) -> bool:
    mine = update(CHUNKS).where(CHUNKS.c.id == chunk_id, CHUNKS.c.attempt == attempt, _LIVE)
    if connection.execute(mine.values(status="ended")).rowcount == 0:
        return False
    _release(connection, lock_tasks(connection, TASKS.c.chunk_id == chunk_id, _UNFINISHED))
    return True


def _give_next_run(
    connection: Connection, chunk_id: ChunkId, attempt: int, *, losses: int, seconds: float = 0.0
) -> bool:
    due = func.now() + timedelta(seconds=seconds)
    again = {"owner": None, "beat": None, "run_id": None, "tries": 0, "attempt": attempt + 1, "due": due}
    mine = update(CHUNKS).where(CHUNKS.c.id == chunk_id, CHUNKS.c.attempt == attempt, _LIVE)
    changed = connection.execute(
        mine.values(again | {"losses": CHUNKS.c.losses + losses, "slots": array([], type_=CHUNKS.c.id.type)})
    )
    notify(connection, notifications.OUTBOX, chunk_id)
    return changed.rowcount == 1


def _release(connection: Connection, task_ids: list[TaskId]) -> None:
    freed = {"chunk_id": None, "run_id": None, "owner": None, "beat": None, "state": "queued"}
    connection.execute(update(TASKS).where(TASKS.c.id.in_(task_ids)).values(freed | {"updated": func.now()}))
    connection.execute(INTO_OUTBOX, {"ids": task_ids})
    notify(connection, notifications.OUTBOX, "")
