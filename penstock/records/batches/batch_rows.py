"""Conversion of the rows of batches and items to domain values and back."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from penstock.domain.batch.batch import Batch, BatchItem, BatchStatus
from penstock.domain.batch.spec import BatchSpec, RunOptions
from penstock.domain.ids import BatchId, FileId, ProjectId, TaskId
from penstock.domain.task import TaskError

_PLAIN_ITEM_COLUMNS = (
    "number", "input", "status", "output", "fields", "size", "version", "modified", "reason", "seconds", "replaces",
    "result",
)  # fmt: skip


def batch_of(row: RowMapping) -> Batch:
    paused = row["status"] == "processing" and row["paused"]
    status: BatchStatus = "paused" if paused else row["status"]
    return Batch(
        id=BatchId(row["id"]),
        project_id=ProjectId(row["project_id"]),
        spec=BatchSpec.model_validate(row["spec"]),
        options=RunOptions.model_validate(row["options"]),
        status=status,
        stage=row["stage"],
        attempt=row["attempt"],
        trusted=row["trusted"],
        created=row["created"],
        updated=row["updated"],
        started=row["started"],
        ended=row["ended"],
        error=TaskError(**row["error"]) if row["error"] else None,
        manifest_id=FileId(row["manifest_id"]) if row["manifest_id"] else None,
        run_id=row["run_id"],
    )


def item_of(row: RowMapping) -> BatchItem:
    return BatchItem(
        **{name: row[name] for name in _PLAIN_ITEM_COLUMNS},
        error=TaskError(**row["error"]) if row["error"] else None,
        task_id=TaskId(row["task_id"]) if row["task_id"] else None,
    )


def item_row(batch_id: BatchId, item: BatchItem) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        **{name: getattr(item, name) for name in _PLAIN_ITEM_COLUMNS},
        "error": asdict(item.error) if item.error else None,
        "code": item.error.code if item.error else None,
        "task_id": item.task_id,
    }
