"""The receipts of outputs, and what is learnt of them."""

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

# Of so many of the last conversions of a family is learnt.
LEARNT_OF = 200
_SHARES = (0.1, 0.5, 0.9)

_OF_TASK = (
    select(RECEIPTS, TASKS.c.project_id)
    .join(TASKS, TASKS.c.output_id == RECEIPTS.c.file_id)
    .where(TASKS.c.id == bindparam("wanted"), TASKS.c.project_id == bindparam("owner"))
)


def _learning() -> Any:
    latest = (
        select(RECEIPTS.c.bytes_ratio, RECEIPTS.c.seconds_ratio)
        .where(RECEIPTS.c.project_id == bindparam("owner"), RECEIPTS.c.family == bindparam("family"))
        .order_by(RECEIPTS.c.made.desc())
        .limit(LEARNT_OF)
        .subquery()
    )
    ratios = (latest.c.bytes_ratio, latest.c.seconds_ratio)
    spreads = [func.percentile_cont(share).within_group(ratio) for ratio in ratios for share in _SHARES]
    return select(func.count(), *spreads).select_from(latest)


_LEARNING = _learning()


class Receipts:
    """Receipt rows: one for each output, for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_for_task(self, project_id: ProjectId, task_id: str) -> StoredReceipt:
        """The receipt of a task's output. Raises `NotFound` where it has none."""
        asked = {"wanted": task_id, "owner": project_id}
        with self._database.reading() as connection:
            row = connection.execute(_OF_TASK, asked).mappings().first() if is_id(task_id) else None
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

    def cost_history(self, project_id: ProjectId, family: str) -> CostHistory:
        """What came of the project's last conversions of this family; those of others are not its to learn of."""
        with self._database.reading() as connection:
            count, *spreads = connection.execute(_LEARNING, {"owner": project_id, "family": family}).one()
        return CostHistory(count, _spread(spreads[:3]), _spread(spreads[3:]))


def keep(connection: Connection, task_id: TaskId, attempt: int, file: File, receipt: Receipt) -> None:
    """File the receipt of an output, in the transaction that makes it visible."""
    row = {
        "file_id": file.id,
        "project_id": file.project_id,
        "task_id": task_id,
        "attempt": attempt,
        "family": receipt.cost_class,
        "bytes_ratio": _ratio(receipt.output.filesize, receipt.estimate.bytes),
        "seconds_ratio": _ratio(receipt.work.wall_seconds, receipt.estimate.seconds),
        "body": {name: value for name, value in asdict(receipt).items() if name in ("output", "checks", "work")},
    }
    connection.execute(insert(RECEIPTS).values(row))


def _ratio(came: float, estimated: float) -> float | None:
    return came / estimated if estimated else None


def _spread(shares: list[float | None]) -> RatioSpread | None:
    low, middle, high = shares
    return None if low is None or middle is None or high is None else RatioSpread(low, middle, high)
