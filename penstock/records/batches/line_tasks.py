"""The tasks of a batch's lines, many with one statement."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, bindparam, func, select, text, update

from penstock.domain import errors
from penstock.domain.batch.batch import ConvertedLine
from penstock.domain.ids import BatchId, ChunkId, ProjectId, TaskId, new_task_id
from penstock.domain.media import Media
from penstock.domain.receipt import Receipt
from penstock.domain.request import SourceRequest
from penstock.domain.task import File, FileFacts, InputVersion, Task, TaskError
from penstock.records import notifications
from penstock.records.rows import file_row, request_row
from penstock.records.tables import BATCH_ITEMS, TASKS
from penstock.records.webhooks import add_receivers

# A task of the same request that has ended gets another attempt; one that is being converted is left to its run, and
# one that this run of the batch has completed for an equal line is not converted again.
_SUBMIT = text("""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb))
            AS (number int, id text, fingerprint text, request jsonb, file_id text, kind text, format text)
    ), made AS (
        INSERT INTO tasks (id, project_id, fingerprint, request, file_id, kind, format, batch, chunk_id, file_name)
        SELECT DISTINCT ON (fingerprint)
            id, :project_id, fingerprint, request, file_id, kind, format, :batch_id, :chunk_id,
            (SELECT name FROM files WHERE files.id = given.file_id)
        FROM given ORDER BY fingerprint, number
        ON CONFLICT (project_id, fingerprint) DO UPDATE SET
            request = excluded.request, batch = excluded.batch, chunk_id = excluded.chunk_id, status = 'processing',
            state = 'queued', progress = 0, attempt = tasks.attempt + 1, losses = 0, cancelling = false, owner = NULL,
            run_id = NULL, slot = NULL, beat = NULL, error = NULL, plan = NULL, output_id = NULL,
            input_version = NULL, conversion = NULL, updated = now(),
            file_name = coalesce(tasks.file_name, excluded.file_name)
        WHERE tasks.status <> 'processing' AND NOT (
            tasks.status = 'completed' AND tasks.batch = :batch_id
            AND tasks.updated >= (SELECT started FROM batches WHERE id = :batch_id)
        ) IS TRUE
        RETURNING id, fingerprint
    ), existing AS (
        SELECT tasks.id, tasks.fingerprint FROM tasks JOIN given USING (fingerprint)
        WHERE tasks.project_id = :project_id AND tasks.fingerprint NOT IN (SELECT fingerprint FROM made)
    ), all_tasks AS (
        SELECT id, fingerprint FROM made UNION SELECT id, fingerprint FROM existing
    ), noted AS (
        UPDATE batch_items SET status = 'processing', task_id = all_tasks.id
        FROM given JOIN all_tasks USING (fingerprint)
        WHERE batch_items.batch_id = :batch_id AND batch_items.number = given.number
    )
    SELECT id FROM made
""")


_LOCK_KNOWN = text("""
    SELECT id FROM tasks WHERE project_id = :project_id AND fingerprint = ANY(:fingerprints) ORDER BY id FOR UPDATE
""")
NOTIFY_ALL = text("SELECT pg_notify(:channel, id) FROM unnest(CAST(:ids AS text[])) AS id")
COMPLETE = (
    update(TASKS)
    .where(TASKS.c.id == bindparam("of_task"))
    .values(
        status="completed", state="completed", progress=100, error=None, publishing=None, updated=func.now(),
        output_id=bindparam("new_output"), plan=bindparam("new_plan", type_=TASKS.c.plan.type),
        input_version=bindparam("new_version", type_=TASKS.c.input_version.type),
    )
)  # fmt: skip
NOTE_PUBLISHING = (
    update(TASKS)
    .where(TASKS.c.id == bindparam("of_task"))
    .values(publishing=bindparam("new_publishing", type_=TASKS.c.publishing.type))
)
# Of a line that failed: the version that was listed.
_LISTED_VERSION = (
    select(func.jsonb_build_object("length", BATCH_ITEMS.c.size, "etag", BATCH_ITEMS.c.version))
    .where(BATCH_ITEMS.c.task_id == TASKS.c.id, BATCH_ITEMS.c.batch_id == TASKS.c.batch)
    .where(BATCH_ITEMS.c.size.is_not(None))
    .limit(1)
    .scalar_subquery()
)
FAIL = (
    update(TASKS)
    .where(TASKS.c.id == bindparam("of_task"))
    .values(
        status=bindparam("new_status"), state=bindparam("new_status"), cancelling=False, updated=func.now(),
        error=bindparam("new_error", type_=TASKS.c.error.type),
        input_version=func.coalesce(TASKS.c.input_version, _LISTED_VERSION),
    )
)  # fmt: skip
INTO_OUTBOX = text("""
    INSERT INTO outbox (task_id, attempt, project_id, kind)
    SELECT id, attempt, project_id, 'batch' FROM tasks WHERE id = ANY(:ids)
    ON CONFLICT (task_id) DO UPDATE SET attempt = excluded.attempt, kind = excluded.kind, due = now(), tries = 0
""")


_MEDIA: TypeAdapter[Media | None] = TypeAdapter(Media | None)
_RECEIPT: TypeAdapter[Receipt] = TypeAdapter(Receipt)


@dataclass(frozen=True, slots=True)
class LineTask:
    """The request of a line."""

    number: int
    request: SourceRequest


def submit_line_tasks(
    connection: Connection,
    batch_id: BatchId,
    project_id: ProjectId,
    lines: Sequence[LineTask],
    chunk_id: ChunkId | None,
) -> list[TaskId]:
    """The tasks of these lines that are to be converted. Each line's item names its task, also one that another run is
    converting already."""
    given = [
        {"number": line.number, "id": new_task_id(), "fingerprint": line.request.fingerprint()}
        | request_row(line.request)
        for line in lines
    ]
    fingerprints = [line["fingerprint"] for line in given]
    connection.execute(_LOCK_KNOWN, {"project_id": project_id, "fingerprints": fingerprints})
    parameters = {"lines": json.dumps(given), "batch_id": batch_id, "project_id": project_id, "chunk_id": chunk_id}
    submitted = [TaskId(task_id) for task_id in connection.execute(_SUBMIT, parameters).scalars()]
    _add_line_receivers(connection, project_id, lines)
    return submitted


def _add_line_receivers(connection: Connection, project_id: ProjectId, lines: Sequence[LineTask]) -> None:
    """The addresses that lines name become receivers of their tasks, also of those that another run converts."""
    named = [(line.request.fingerprint(), line.request.webhook_url) for line in lines if line.request.webhook_url]
    if named:
        query = select(TASKS.c.fingerprint, TASKS.c.id).where(
            TASKS.c.project_id == project_id, TASKS.c.fingerprint.in_([fingerprint for fingerprint, _ in named])
        )
        ids = dict(connection.execute(query).tuples().all())
        add_receivers(connection, project_id, [(ids[fingerprint], url) for fingerprint, url in named])


def lock_tasks(connection: Connection, *matching: ColumnElement[bool]) -> list[TaskId]:
    """Lock these tasks in the order of their ids, as everybody does who changes several: else two transactions could
    wait for each other."""
    query = select(TASKS.c.id).where(*matching).order_by(TASKS.c.id).with_for_update()
    return [TaskId(task_id) for task_id in connection.execute(query).scalars()]


def publishing_note(line: ConvertedLine) -> dict[str, Any]:
    note = {"file": file_row(line.file), "receipt": _RECEIPT.dump_python(line.receipt, mode="json")}
    version = asdict(line.version) if line.version else None
    return {"of_task": line.task.id, "new_publishing": note | {"version": version}}


def noted_line(task: Task, note: dict[str, Any]) -> ConvertedLine:
    """What `publishing_note` noted."""
    row = note["file"]
    facts = FileFacts(**{each.name: row[each.name] for each in fields(FileFacts)})
    file = File(
        id=row["id"],
        project_id=task.project_id,
        object="source",
        facts=facts,
        key=row["key"],
        task_id=task.id,
        created=task.created,
        updated=task.updated,
        media=_MEDIA.validate_python(row["media"]),
        location=row["location"],
        conversion=row.get("conversion"),
        name=row.get("name"),
    )
    version = InputVersion(**note["version"]) if note["version"] else None
    return ConvertedLine(task, file, _RECEIPT.validate_python(note["receipt"]), version)


def completion_of(line: ConvertedLine) -> dict[str, Any]:
    return {
        "of_task": line.task.id,
        "new_output": line.file.id,
        "new_plan": line.receipt.work.plan,
        "new_version": asdict(line.version) if line.version else None,
    }


def failure_row(task_id: TaskId, error: TaskError) -> dict[str, Any]:
    status = "cancelled" if error.code == errors.Cancelled.code else "failed"
    return {"of_task": task_id, "new_status": status, "new_error": asdict(error)}


def notify_tasks(connection: Connection, task_ids: set[TaskId]) -> None:
    connection.execute(NOTIFY_ALL, {"channel": notifications.TASK, "ids": list(task_ids)})
