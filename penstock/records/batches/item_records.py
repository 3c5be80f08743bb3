"""The items of batches: one row for each line. Read and written in pages, so that memory does not grow with a batch."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from penstock.domain.batch.batch import BatchCounts, BatchItem, ItemStatus, KnownTask
from penstock.domain.batch.plan_totals import PlanTotals
from penstock.domain.ids import BatchId, FileId, ProjectId, TaskId
from penstock.domain.pagination import Listing, ListQuery
from penstock.domain.planning.steps import summary_text
from penstock.domain.task import InputVersion, TaskError
from penstock.records.batches.batch_rows import item_of, item_row
from penstock.records.batches.plan_records import plan_totals
from penstock.records.batches.report_records import failures_of, slowest_of
from penstock.records.database import Database
from penstock.records.tables import BATCH_ITEMS, FILES

PAGE = 1000

_OPEN: tuple[ItemStatus, ...] = ("queued", "processing")
# Items whose task has ended, with what a result manifest shows of it. `reason` tells what was done.
_ENDED = text("""
    SELECT item.number, task.status, task.error, task.plan, files.id AS file_id, files.filesize, files.codecs,
        files.width, files.height, files.duration, receipts.body,
        coalesce(other.cancelling OR other.status = 'cancelled', false) AS is_of_cancelled_batch,
        CAST(task.input_version ->> 'length' AS bigint) AS bytes_in
    FROM batch_items AS item JOIN tasks AS task ON task.id = item.task_id
    LEFT JOIN files ON files.id = task.output_id
    LEFT JOIN receipts ON receipts.file_id = files.id
    LEFT JOIN batches AS other ON other.id = task.batch AND other.id <> item.batch_id
    WHERE item.batch_id = :batch_id AND item.status = 'processing' AND task.status <> 'processing'
    ORDER BY item.number LIMIT :limit
""")
# The output of a failed attempt is that of an earlier one; it lies at the destination, as that of a deleted File does.
_KNOWN = text("""
    SELECT task.fingerprint, task.id, task.status, task.updated, task.input_version,
        CASE WHEN task.status = 'failed' AND NOT CAST(task.error ->> 'retryable' AS boolean)
            THEN task.error ->> 'code' END AS lasting_error,
        CAST(task.publishing #>> '{file,filesize}' AS bigint) AS noted_bytes,
        CASE WHEN files.deleted IS NULL THEN files.id END AS file_id, files.filesize, files.location_version,
        files.codecs, files.width, files.height, files.duration
    FROM tasks AS task LEFT JOIN files ON files.id = coalesce(task.output_id, (
        SELECT earlier.id FROM files AS earlier
        WHERE earlier.location = task.request ->> 'destination' AND earlier.task_id = task.id
        ORDER BY earlier.created DESC LIMIT 1
    ))
    WHERE task.project_id = :project_id AND task.fingerprint = ANY(:fingerprints)
""")
_BYTES_IN, _BYTES_OUT = (cast(BATCH_ITEMS.c.result[name].astext, BigInteger) for name in ("bytes_in", "bytes_out"))
_COUNTS = (
    select(
        BATCH_ITEMS.c.batch_id,
        BATCH_ITEMS.c.status,
        func.count(),
        func.coalesce(func.sum(func.coalesce(BATCH_ITEMS.c.size, _BYTES_IN)), 0),
        func.coalesce(func.sum(_BYTES_OUT), 0),
    )
    .where(BATCH_ITEMS.c.batch_id.in_(bindparam("batches", expanding=True)))
    .group_by(BATCH_ITEMS.c.batch_id, BATCH_ITEMS.c.status)
)
# Lines whose tasks have ended in this run of their batch.
_ENDED_SINCE = text("""
    SELECT count(*) FROM batch_items AS item JOIN tasks AS task ON task.id = item.task_id
    WHERE item.batch_id = :batch_id AND item.status IN ('completed', 'failed') AND task.updated >= :since
""")
_DECIDED = (
    "status", "output", "size", "version", "modified", "reason", "error", "code", "task_id", "seconds", "replaces",
    "result",
)  # fmt: skip
_DECIDE = (
    update(BATCH_ITEMS)
    .where(BATCH_ITEMS.c.batch_id == bindparam("of_batch"), BATCH_ITEMS.c.number == bindparam("of_number"))
    .values({name: bindparam(f"new_{name}", type_=BATCH_ITEMS.c[name].type) for name in _DECIDED})
)


class BatchItems:
    """The items of all batches, in the order of their numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clear(self, batch_id: BatchId) -> None:
        """Remove all items."""
        with self._database.writing() as connection:
            connection.execute(delete(BATCH_ITEMS).where(BATCH_ITEMS.c.batch_id == batch_id))

    def add(self, batch_id: BatchId, items: Sequence[BatchItem]) -> None:
        with self._database.writing() as connection:
            connection.execute(insert(BATCH_ITEMS), [item_row(batch_id, item) for item in items])

    def update(self, batch_id: BatchId, items: Sequence[BatchItem]) -> None:
        """Record what was decided for these items, or how they ended."""
        if not items:
            return
        with self._database.writing() as connection:
            connection.execute(_DECIDE, [_decision(batch_id, item) for item in items])

    def reopen(self, batch_id: BatchId, statuses: Sequence[ItemStatus], *, with_fields: bool = False) -> int:
        """Make the items of these statuses `queued` again, or only those that have fields; returns how many."""
        again = {"status": "queued", "reason": None, "error": None, "code": None, "task_id": None, "result": None}
        wanted = update(BATCH_ITEMS).where(BATCH_ITEMS.c.batch_id == batch_id, BATCH_ITEMS.c.status.in_(statuses))
        wanted = wanted.where(BATCH_ITEMS.c.fields.is_not(None)) if with_fields else wanted
        with self._database.writing() as connection:
            return connection.execute(wanted.values(again)).rowcount

    def cancel_open(self, batch_id: BatchId, statuses: Sequence[ItemStatus] = _OPEN) -> int:
        """Make these items `cancelled`; returns how many."""
        with self._database.writing() as connection:
            return cancel_items(connection, batch_id, statuses)

    def pages(self, batch_id: BatchId, statuses: Sequence[ItemStatus] | None = None) -> Iterator[list[BatchItem]]:
        """All items, or those of these statuses, a page of 1,000 at a time."""
        after = 0
        while found := self.next_page(batch_id, after, statuses, PAGE):
            yield found
            after = found[-1].number

    def next_page(
        self, batch_id: BatchId, after: int, statuses: Sequence[ItemStatus] | None, limit: int
    ) -> list[BatchItem]:
        """The first items after a number."""
        query = _of_batch(batch_id, statuses).where(BATCH_ITEMS.c.number > after)
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(BATCH_ITEMS.c.number).limit(limit)).mappings()
            return [item_of(row) for row in found]

    def page(
        self, batch_id: BatchId, query: ListQuery, status: ItemStatus | None = None, code: str | None = None
    ) -> Listing[BatchItem]:
        """A page for callers; `code` is that of an error."""
        wanted = _of_batch(batch_id, [status] if status else None)
        wanted = wanted.where(BATCH_ITEMS.c.code == code) if code else wanted
        order = getattr(BATCH_ITEMS.c.number, query.order)()
        with self._database.reading() as connection:
            total = connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
            rows = connection.execute(wanted.order_by(order).limit(query.limit).offset(query.offset)).mappings()
            return Listing(tuple(item_of(row) for row in rows), total, query)

    def counts(self, batch_id: BatchId) -> BatchCounts:
        return self.counts_of([batch_id])[batch_id]

    def counts_of(self, batch_ids: Sequence[BatchId]) -> dict[BatchId, BatchCounts]:
        """The counts of several batches."""
        with self._database.reading() as connection:
            rows = connection.execute(_COUNTS, {"batches": list(batch_ids)}).all()
        return {batch_id: _counts([row for row in rows if row[0] == batch_id]) for batch_id in batch_ids}

    def count_ended(self, batch_id: BatchId, since: datetime) -> int:
        """How many lines have been converted, or have failed, since then."""
        with self._database.reading() as connection:
            found = connection.execute(_ENDED_SINCE, {"batch_id": batch_id, "since": since})
            return int(found.scalar_one())

    def count(self, batch_id: BatchId, *statuses: ItemStatus) -> int:
        """How many items have one of these statuses."""
        with self._database.reading() as connection:
            counted = select(func.count()).select_from(_of_batch(batch_id, statuses).subquery())
            return int(connection.execute(counted).scalar_one())

    def failures(self, batch_id: BatchId) -> list[tuple[str, int]]:
        """The codes of failed items, the most frequent first."""
        with self._database.reading() as connection:
            return failures_of(connection, batch_id)

    def plan_totals(self, batch_id: BatchId) -> PlanTotals:
        """The sums of what a plan expects of its lines."""
        with self._database.reading() as connection:
            return plan_totals(connection, batch_id)

    def slowest(self, batch_id: BatchId, limit: int) -> list[tuple[str, float]]:
        """The completed items that took longest: the name of the upload, or the address, and seconds."""
        with self._database.reading() as connection:
            return slowest_of(connection, batch_id, limit)

    def follow_tasks(self, batch_id: BatchId, limit: int = PAGE) -> list[BatchItem]:
        """Record how items ended whose tasks have ended, and return them.

        An item whose task was cancelled with the batch that made it is queued again."""
        with self._database.writing() as connection:
            rows = connection.execute(_ENDED, {"batch_id": batch_id, "limit": limit}).mappings().all()
            by_number = _items_by_number(connection, batch_id, [row["number"] for row in rows])
            ended = [_ended_item(by_number[row["number"]], row) for row in rows]
            if ended:
                connection.execute(_DECIDE, [_decision(batch_id, item) for item in ended])
            return [item for item in ended if item.status != "queued"]

    def known_tasks(self, project_id: ProjectId, fingerprints: Sequence[str]) -> dict[str, KnownTask]:
        """What is known of these requests, by fingerprint."""
        parameters = {"project_id": project_id, "fingerprints": list(fingerprints)}
        with self._database.reading() as connection:
            return {row["fingerprint"]: _known_task(row) for row in connection.execute(_KNOWN, parameters).mappings()}

    def find_outputs(self, addresses: Sequence[str]) -> set[str]:
        """Those of these addresses where a batch wrote an output."""
        query = select(FILES.c.location).where(FILES.c.location.in_(addresses))
        with self._database.reading() as connection:
            return set(connection.execute(query).scalars())


def replace_lines(connection: Connection, batch_id: BatchId, lines: Sequence[BatchItem]) -> None:
    """The items of a batch are these lines, and no others."""
    connection.execute(delete(BATCH_ITEMS).where(BATCH_ITEMS.c.batch_id == batch_id))
    connection.execute(insert(BATCH_ITEMS), [item_row(batch_id, line) for line in lines])


def cancel_items(connection: Connection, batch_id: BatchId, statuses: Sequence[ItemStatus] = _OPEN) -> int:
    """Make these items `cancelled`; returns how many."""
    wanted = update(BATCH_ITEMS).where(BATCH_ITEMS.c.batch_id == batch_id, BATCH_ITEMS.c.status.in_(statuses))
    return connection.execute(wanted.values(status="cancelled")).rowcount


def _counts(rows: Sequence[Any]) -> BatchCounts:
    done = [row for row in rows if row[1] == "completed"]
    bytes_in, bytes_out = (int(sum(row[place] for row in done)) for place in (3, 4))  # PostgreSQL sums to numeric
    return BatchCounts({row[1]: row[2] for row in rows}, bytes_in, bytes_out)


def _known_task(row: Any) -> KnownTask:
    version = row["input_version"]
    return KnownTask(
        id=TaskId(row["id"]),
        status=row["status"],
        updated=row["updated"],
        input_version=InputVersion(**version) if version else None,
        output_id=FileId(row["file_id"]) if row["file_id"] else None,
        output_bytes=row["filesize"],
        output_version=row["location_version"],
        noted_bytes=row["noted_bytes"],
        result=_facts(row) if row["file_id"] else None,
        lasting_error=row["lasting_error"],
    )


def _items_by_number(connection: Connection, batch_id: BatchId, numbers: list[int]) -> dict[int, BatchItem]:
    query = _of_batch(batch_id, None).where(BATCH_ITEMS.c.number.in_(numbers))
    return {row["number"]: item_of(row) for row in connection.execute(query).mappings()} if numbers else {}


def _ended_item(item: BatchItem, row: Any) -> BatchItem:
    if row["status"] == "cancelled" and row["is_of_cancelled_batch"]:
        return replace(item, status="queued", task_id=None)  # this batch still wants it
    values = asdict(item) | {
        "status": row["status"],
        "error": TaskError(**row["error"]) if row["error"] else None,
        "reason": summary_text(row["plan"]) if row["plan"] else None,
        "result": _result(item, row) if row["file_id"] else None,
    }
    return BatchItem(**values)


def _result(item: BatchItem, row: Any) -> dict[str, Any]:
    body = row["body"] or {}
    quality = (body.get("checks") or {}).get("quality") or {}
    seconds = (body.get("work") or {}).get("wall_seconds")
    bytes_in = row["bytes_in"] if item.size is None else item.size  # that of the web is known after its download
    return _facts(row) | {"bytes_in": bytes_in, "seconds": seconds, "quality": quality.get("score")}


def _facts(row: Any) -> dict[str, Any]:
    return {"file": row["file_id"], "bytes_out": row["filesize"], "codec": row["codecs"]} | {
        name: row[name] for name in ("width", "height", "duration")
    }


def _of_batch(batch_id: BatchId, statuses: Sequence[ItemStatus] | None) -> Select[Any]:
    matching: list[ColumnElement[bool]] = [BATCH_ITEMS.c.batch_id == batch_id]
    if statuses is not None:
        matching.append(BATCH_ITEMS.c.status.in_(statuses))
    return select(BATCH_ITEMS).where(*matching)


def _decision(batch_id: BatchId, item: BatchItem) -> dict[str, Any]:
    row = item_row(batch_id, item)
    return {"of_batch": batch_id, "of_number": item.number, **{f"new_{name}": row[name] for name in _DECIDED}}
