"""The totals of a planned batch, summed by the database."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from penstock.domain.batch.plan_totals import PlanAction, PlanTotals
from penstock.domain.ids import BatchId
from penstock.domain.planning.cost import ExpectedRange

_ENDS = ("", "_low", "_high")
_SUMMED = tuple(name + end for name in ("bytes_out", "seconds", "worker_seconds") for end in _ENDS)
_SUMS = ", ".join(f"coalesce(sum(CAST(result ->> '{name}' AS float8)), 0) AS {name}" for name in _SUMMED)
_TOTALS = text(f"""
    SELECT status, result ->> 'action' AS action, code, count(*) AS lines,
        coalesce(sum(coalesce(CAST(result ->> 'bytes_in' AS bigint), size)), 0) AS bytes_in,
        count(*) FILTER (WHERE result -> 'bytes_out' IS NULL) AS unestimated, {_SUMS}
    FROM batch_items WHERE batch_id = :batch_id
    GROUP BY status, result ->> 'action', code
""")  # noqa: S608 - names of this module


def plan_totals(connection: Connection, batch_id: BatchId) -> PlanTotals:
    rows = connection.execute(_TOTALS, {"batch_id": batch_id}).mappings().all()
    planned = [row for row in rows if row["status"] == "planned"]
    actions: dict[PlanAction, int] = {row["action"]: row["lines"] for row in planned}
    refusals = Counter({row["code"] or "internal": row["lines"] for row in rows if row["status"] == "failed"})
    return PlanTotals(
        actions=actions,
        skipped=sum(row["lines"] for row in rows if row["status"] == "skipped"),
        refusals=dict(refusals.most_common()),
        bytes_in=int(sum(row["bytes_in"] for row in planned)),
        bytes_out=_summed(planned, "bytes_out"),
        seconds=_summed(planned, "seconds"),
        worker_seconds=_summed(planned, "worker_seconds"),
        unestimated=sum(row["unestimated"] for row in planned),
    )


def _summed(rows: Sequence[RowMapping], name: str) -> ExpectedRange:
    sums: list[Any] = [sum(row[name + end] for row in rows) for end in _ENDS]
    return ExpectedRange(*sums)
