"""The tasks of a batch's lines, many with one statement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from penstock.domain.ids import BatchId, ChunkId, ProjectId, TaskId, new_task_id
from penstock.domain.request import SourceRequest
from penstock.records.rows import request_row

# A task of the same request that has ended gets another attempt; one that is being converted is left to its run.
_SUBMIT = text("""
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb))
            AS (number int, id text, fingerprint text, request jsonb, file_id text, kind text, format text)
    ), made AS (
        INSERT INTO tasks (id, project_id, fingerprint, request, file_id, kind, format, batch, chunk_id)
        SELECT DISTINCT ON (fingerprint)
            id, :project_id, fingerprint, request, file_id, kind, format, :batch_id, :chunk_id
        FROM given ORDER BY fingerprint, number
        ON CONFLICT (project_id, fingerprint) DO UPDATE SET
            request = excluded.request, batch = excluded.batch, chunk_id = excluded.chunk_id, status = 'processing',
            state = 'queued', progress = 0, attempt = tasks.attempt + 1, losses = 0, cancelling = false, owner = NULL,
            run_id = NULL, slot = NULL, beat = NULL, error = NULL, plan = NULL, output_id = NULL,
            input_version = NULL, publishing = NULL, updated = now()
        WHERE tasks.status <> 'processing'
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
    parameters = {"lines": json.dumps(given), "batch_id": batch_id, "project_id": project_id, "chunk_id": chunk_id}
    return [TaskId(task_id) for task_id in connection.execute(_SUBMIT, parameters).scalars()]
