"""The deliveries of webhooks. A sender leases what is due; after the lease another may send it again."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Interval, bindparam, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.domain import errors
from penstock.domain.batch.batch import Batch
from penstock.domain.ids import ProjectId, is_id
from penstock.domain.pagination import Listing, ListQuery
from penstock.domain.task import Task
from penstock.domain.webhooks import HOST_FAILURES, Delivery, NextStep, Try, host_pause_seconds
from penstock.records.batches.batch_rows import batch_of
from penstock.records.database import Database
from penstock.records.rows import output_columns, task_of
from penstock.records.tables import FILES
from penstock.records.webhook_tables import DELIVERIES, WEBHOOK_HOSTS, WEBHOOKS
from penstock.records.webhooks import stop_deliveries

# Longer than a request may take, with the statements before and after it.
LEASE = timedelta(seconds=60)
# The last try of the schedule is after 76 h; a host that stays away may never get so many.
EXPIRY = timedelta(hours=78)
MAX_LOG = 20
PAGE = 1_000

# One statement, as text. `hosts`: those with pending deliveries, by a loose index scan. `open`: those that are not
# closed, with how many requests they have; one that failed gets one at a time. Of several projects each gets a turn,
# and hosts that failed come after all others.
_CLAIM = text("""
    WITH RECURSIVE hosts (host) AS (
        (SELECT host FROM deliveries WHERE status = 'pending' ORDER BY host LIMIT 1)
        UNION ALL
        SELECT (SELECT min(host) FROM deliveries WHERE status = 'pending' AND deliveries.host > hosts.host)
        FROM hosts WHERE hosts.host IS NOT NULL
    ), open AS (
        SELECT hosts.host, failures IS NOT NULL AS failing, (
            SELECT count(*) FROM deliveries WHERE deliveries.host = hosts.host AND leased_until > now()
        ) AS busy
        FROM hosts LEFT JOIN webhook_hosts USING (host)
        WHERE hosts.host IS NOT NULL AND coalesce(closed_until <= now(), true)
    ), candidates AS (
        SELECT next.id, failing, row_number() OVER (PARTITION BY project_id ORDER BY failing, due) AS place
        FROM open CROSS JOIN LATERAL (
            SELECT id, project_id, due FROM deliveries
            WHERE status = 'pending' AND deliveries.host = open.host AND due <= now()
                AND coalesce(leased_until <= now(), true)
            ORDER BY due LIMIT greatest(0, CASE WHEN failing THEN 1 ELSE :per_host END - busy)
        ) AS next
    ), chosen AS (
        SELECT deliveries.id FROM deliveries JOIN candidates USING (id)
        WHERE status = 'pending' AND coalesce(leased_until <= now(), true)
        ORDER BY failing, place, due LIMIT :limit
        FOR UPDATE OF deliveries SKIP LOCKED
    )
    UPDATE deliveries SET leased_until = now() + :lease FROM chosen WHERE deliveries.id = chosen.id
    RETURNING deliveries.*
""").bindparams(bindparam("lease", type_=Interval()))
_TASK = text("SELECT (jsonb_populate_record(NULL::tasks, :snapshot)).*").bindparams(
    bindparam("snapshot", type_=DELIVERIES.c.snapshot.type)
)
_BATCH = text("SELECT (jsonb_populate_record(NULL::batches, :snapshot)).*").bindparams(
    bindparam("snapshot", type_=DELIVERIES.c.snapshot.type)
)


class Deliveries:
    """The deliveries of all projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_due(self, limit: int, per_host: int) -> list[Delivery]:
        """Lease up to `limit` deliveries that are due, so that at most `per_host` requests go to one host at once."""
        parameters = {"limit": limit, "per_host": per_host, "lease": LEASE}
        with self._database.writing_one_statement() as connection:
            return [_delivery(row) for row in connection.execute(_CLAIM, parameters).mappings()]

    def release(self, delivery: Delivery, seconds: float = 0.0) -> None:
        """End a lease without a try; it can be claimed again after `seconds`."""
        due = func.now() + timedelta(seconds=seconds)
        with self._database.writing_one_statement() as connection:
            connection.execute(_by_id(delivery).values(leased_until=None, due=due))

    def record(self, delivery: Delivery, entry: Try, step: NextStep, jitter: float) -> None:
        """Record a try and what follows. A receiver that is gone is disabled; a host that failed is left alone for a
        while."""
        with self._database.writing() as connection:
            if entry.code == "gone":
                _disable(connection, delivery)
            log = [*(asdict(one) for one in delivery.log), asdict(entry)][-MAX_LOG:]
            due = func.now() + timedelta(seconds=step.seconds)
            values = {"status": step.status, "tries": delivery.tries + 1, "log": log, "due": due, "leased_until": None}
            connection.execute(_by_id(delivery).where(DELIVERIES.c.status == "pending").values(values))
            if entry.code == "gone":
                stop_deliveries(connection, delivery.webhook_id)
            _record_host(connection, delivery.host, jitter, has_failed=entry.code in HOST_FAILURES)

    def task_of(self, snapshot: Mapping[str, Any]) -> Task:
        """The Task in a snapshot, with its output unless that was deleted."""
        with self._database.reading() as connection:
            row = dict(connection.execute(_TASK, {"snapshot": snapshot}).mappings().one())
            kept = select(FILES).where(FILES.c.id == row["output_id"], FILES.c.deleted.is_(None))
            output = connection.execute(kept).mappings().first() if row["output_id"] else None
        return task_of(row | output_columns(output))

    def batch_of(self, snapshot: Mapping[str, Any]) -> Batch:
        """The Batch in a snapshot."""
        with self._database.reading() as connection:
            return batch_of(connection.execute(_BATCH, {"snapshot": snapshot}).mappings().one())

    def page(self, subject: str, query: ListQuery) -> Listing[Delivery]:
        """The deliveries of a task or batch."""
        matching = DELIVERIES.c.subject == subject
        order = (getattr(DELIVERIES.c.created, query.order)(), DELIVERIES.c.id)
        shown = select(DELIVERIES).where(matching).order_by(*order).limit(query.limit).offset(query.offset)
        counted = select(func.count()).where(matching)
        with self._database.reading() as connection:
            found = tuple(_delivery(row) for row in connection.execute(shown).mappings())
            return Listing(found, connection.execute(counted).scalar_one(), query)

    def replay(self, project_id: ProjectId, subject: str, delivery_id: str) -> Delivery:
        """Send a delivery again, now, with the same id and a new schedule. Raises `NotFound`."""
        again = {"status": "pending", "tries": 0, "due": func.now(), "since": func.now()}
        wanted = DELIVERIES.c.id == delivery_id if is_id(delivery_id) else ~true()
        found = update(DELIVERIES).where(wanted, DELIVERIES.c.project_id == project_id, DELIVERIES.c.subject == subject)
        with self._database.writing() as connection:
            row = connection.execute(found.values(again).returning(DELIVERIES)).mappings().first()
            if row is None:
                raise errors.NotFound("There is no such delivery.")
            connection.execute(delete(WEBHOOK_HOSTS).where(WEBHOOK_HOSTS.c.host == row["host"]))
            connection.execute(select(func.pg_notify("penstock_delivery", "")))
            return _delivery(row)

    def expire(self) -> int:
        """End deliveries that could not be made in time; returns how many."""
        entry = func.jsonb_build_object("at", func.to_json(func.now()), "code", "expired", "status", None, "seconds", 0)
        old = (DELIVERIES.c.status == "pending", DELIVERIES.c.since < func.now() - EXPIRY)
        ended = update(DELIVERIES).where(*old).values(status="failed", log=DELIVERIES.c.log.op("||")(entry))
        with self._database.writing_one_statement() as connection:
            return connection.execute(ended).rowcount

    def delete_older(self, days: float) -> int:
        """Delete ended deliveries with their logs after `days`, and hosts that failed last a week ago; returns how many
        deliveries."""
        before = func.now() - timedelta(days=days)
        old = select(DELIVERIES.c.id).where(DELIVERIES.c.status != "pending", DELIVERIES.c.created < before).limit(PAGE)
        week = WEBHOOK_HOSTS.c.closed_until < func.now() - timedelta(days=7)
        removed = 0
        with self._database.reading() as connection:
            connection.execute(delete(WEBHOOK_HOSTS).where(week))
            while count := connection.execute(delete(DELIVERIES).where(DELIVERIES.c.id.in_(old))).rowcount:
                removed += count
        return removed


def _by_id(delivery: Delivery) -> Any:
    return update(DELIVERIES).where(DELIVERIES.c.id == delivery.id)


def _disable(connection: Connection, delivery: Delivery) -> None:
    """Locks the receiver, which comes before its deliveries: several may find it gone at once, or delete it."""
    connection.execute(update(WEBHOOKS).where(WEBHOOKS.c.id == delivery.webhook_id).values(disabled=func.now()))


def _record_host(connection: Connection, host: str, jitter: float, *, has_failed: bool) -> None:
    """Several failures at once count as one: those of a host that is closed already change nothing."""
    known = select(WEBHOOK_HOSTS.c.failures).where(WEBHOOK_HOSTS.c.host == host)
    failures = connection.execute(known).scalar()
    if not has_failed:
        if failures is not None:
            connection.execute(delete(WEBHOOK_HOSTS).where(WEBHOOK_HOSTS.c.host == host))
        return
    closed = func.now() + timedelta(seconds=host_pause_seconds((failures or 0) + 1, jitter))
    row = {"host": host, "failures": (failures or 0) + 1, "closed_until": closed}
    is_open: ColumnElement[bool] = WEBHOOK_HOSTS.c.closed_until <= func.now()
    connection.execute(
        upsert(WEBHOOK_HOSTS).values(row).on_conflict_do_update(index_elements=["host"], set_=row, where=is_open)
    )


def _delivery(row: Any) -> Delivery:
    plain = ("id", "project_id", "webhook_id", "url", "host", "subject", "type", "status", "tries", "created", "due")
    return Delivery(
        **{name: row[name] for name in plain}, log=tuple(Try(**entry) for entry in row["log"]), snapshot=row["snapshot"]
    )
