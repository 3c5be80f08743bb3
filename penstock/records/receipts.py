"""The records of receipts, and the cost statistics computed from them."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from penstock.domain import errors
from penstock.domain.ids import FileId, ProjectId, TaskId, is_id
from penstock.domain.planning.cost import CostHistory, RatioSpread
from penstock.domain.receipt import Receipt, StoredReceipt
from penstock.domain.task import File
from penstock.records.database import Database
from penstock.records.tables import RECEIPTS, TASKS

# Cost statistics use this many latest conversions of a cost class.
HISTORY_SIZE = 200
_PERCENTILES = (0.1, 0.5, 0.9)

_OF_TASK = (
    select(RECEIPTS, TASKS.c.project_id)
    .join(TASKS, TASKS.c.output_id == RECEIPTS.c.file_id)
    .where(TASKS.c.id == bindparam("wanted"), TASKS.c.project_id == bindparam("owner"))
)


def _history_query() -> Any:
    latest = (
        select(RECEIPTS.c.bytes_ratio, RECEIPTS.c.seconds_ratio)
        .where(RECEIPTS.c.project_id == bindparam("owner"), RECEIPTS.c.family == bindparam("cost_class"))
        .order_by(RECEIPTS.c.made.desc())
        .limit(HISTORY_SIZE)
        .subquery()
    )
    ratios = (latest.c.bytes_ratio, latest.c.seconds_ratio)
    spreads = [func.percentile_cont(percentile).within_group(ratio) for ratio in ratios for percentile in _PERCENTILES]
    return select(func.count(), *spreads).select_from(latest)


_HISTORY = _history_query()


class Receipts:
    """The receipts of all outputs, kept forever."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_for_task(self, project_id: ProjectId, task_id: str) -> StoredReceipt:
        """The receipt of a task's output. Raises `NotFound` if it has none."""
        parameters = {"wanted": task_id, "owner": project_id}
        with self._database.reading() as connection:
            row = connection.execute(_OF_TASK, parameters).mappings().first() if is_id(task_id) else None
        if row is None:
            raise errors.NotFound("This task has no receipt: it is not completed.")
        return StoredReceipt(
            file_id=FileId(row["file_id"]),
            task_id=TaskId(row["task_id"]),
            project_id=ProjectId(row["project_id"]),
            attempt=row["attempt"],
            made=row["made"],
            body=row["body"],
        )

    def cost_history(self, project_id: ProjectId, cost_class: str) -> CostHistory:
        """The statistics of the project's own latest conversions of this cost class."""
        with self._database.reading() as connection:
            count, *spreads = connection.execute(_HISTORY, {"owner": project_id, "cost_class": cost_class}).one()
        return CostHistory(count, _spread(spreads[:3]), _spread(spreads[3:]))


def add_receipt(connection: Connection, task_id: TaskId, attempt: int, file: File, receipt: Receipt) -> None:
    """Insert the receipt of an output, in the transaction that makes the output visible."""
    connection.execute(insert(RECEIPTS).values(receipt_row(task_id, attempt, file, receipt)))


def receipt_row(task_id: TaskId, attempt: int, file: File, receipt: Receipt) -> dict[str, Any]:
    return {
        "file_id": file.id,
        "project_id": file.project_id,
        "task_id": task_id,
        "attempt": attempt,
        "family": receipt.cost_class,
        "bytes_ratio": _ratio(receipt.output.filesize, receipt.estimate.bytes),
        "seconds_ratio": _ratio(receipt.work.wall_seconds, receipt.estimate.seconds),
        "body": {
            name: value for name, value in asdict(receipt).items() if name in ("input", "output", "checks", "work")
        },
    }


def _ratio(actual: float, estimated: float) -> float | None:
    return actual / estimated if estimated else None


def _spread(percentiles: list[float | None]) -> RatioSpread | None:
    low, middle, high = percentiles
    return None if low is None or middle is None or high is None else RatioSpread(low, middle, high)
