"""The receivers of webhooks: endpoints of projects, and addresses that requests and batches name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from penstock.domain import errors
from penstock.domain.ids import ProjectId, WebhookId, is_id
from penstock.domain.pagination import Listing, ListQuery
from penstock.domain.webhooks import EventType, Webhook, host_of, webhook_id
from penstock.records.database import Database
from penstock.records.webhook_tables import DELIVERIES, WEBHOOKS

MAX_ENDPOINTS = 20
_IS_ENDPOINT = WEBHOOKS.c.subject.is_(None)

# The locks make a task that ends at this moment either visible here or ended after its receiver is visible.
_LOCK = text("SELECT id FROM tasks WHERE id = ANY(:ids) ORDER BY id FOR SHARE")
_DELIVER_ENDED = text("""
    WITH added AS (
        INSERT INTO deliveries (id, project_id, webhook_id, url, host, subject, type, snapshot)
        SELECT 'dlv_' || replace(gen_random_uuid()::text, '-', ''), webhooks.project_id, webhooks.id, url, host,
            tasks.id, 'task.' || status, to_jsonb(tasks)
        FROM webhooks JOIN tasks ON tasks.id = webhooks.subject
        WHERE webhooks.id = ANY(:ids) AND status <> 'processing'
        RETURNING 1
    )
    SELECT pg_notify('penstock_delivery', '') FROM added LIMIT 1
""")


class Webhooks:
    """The endpoints of all projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project_id: ProjectId, url: str, types: Sequence[EventType] | None) -> Webhook:
        """Add an endpoint, or change the one with this address and enable it again. Raises `FieldInvalid` if the
        project has too many."""
        row = _row(project_id, url) | {"types": list(types) if types else None}
        changed = {"types": row["types"], "disabled": None}
        statement = upsert(WEBHOOKS).values(row).on_conflict_do_update(index_elements=["id"], set_=changed)
        with self._database.writing() as connection:
            _require_room(connection, project_id, row["id"])
            return _webhook(connection.execute(statement.returning(WEBHOOKS)).mappings().one())

    def get(self, project_id: ProjectId, endpoint_id: str) -> Webhook:
        """Raises `NotFound`, also for an endpoint of another project."""
        with self._database.reading() as connection:
            row = connection.execute(select(WEBHOOKS).where(*_own(project_id, endpoint_id))).mappings().first()
        if row is None:
            raise errors.NotFound("There is no such webhook.")
        return _webhook(row)

    def page(self, project_id: ProjectId, query: ListQuery) -> Listing[Webhook]:
        matching = (WEBHOOKS.c.project_id == project_id, _IS_ENDPOINT)
        order = (getattr(WEBHOOKS.c.created, query.order)(), WEBHOOKS.c.id)
        shown = select(WEBHOOKS).where(*matching).order_by(*order).limit(query.limit).offset(query.offset)
        with self._database.reading() as connection:
            found = tuple(_webhook(row) for row in connection.execute(shown).mappings())
            total = connection.execute(select(func.count()).where(*matching)).scalar_one()
        return Listing(found, total, query)

    def delete(self, project_id: ProjectId, endpoint_id: str) -> Webhook:
        """Delete an endpoint; what is still to be sent to it is not sent. Raises `NotFound`."""
        removed = delete(WEBHOOKS).where(*_own(project_id, endpoint_id)).returning(WEBHOOKS)
        with self._database.writing() as connection:
            row = connection.execute(removed).mappings().first()
            if row is None:
                raise errors.NotFound("There is no such webhook.")
            stop_deliveries(connection, row["id"])
            return _webhook(row)


def add_receivers(connection: Connection, project_id: ProjectId, named: Sequence[tuple[str, str | None]]) -> None:
    """Add receivers: pairs of the id of a task or batch, and the address that its request names, if any. A task that
    has ended is delivered to a new receiver at once."""
    rows = [_row(project_id, url, subject) for subject, url in named if url]
    if not rows:
        return
    connection.execute(_LOCK, {"ids": [row["subject"] for row in rows]})
    added = upsert(WEBHOOKS).values(rows).on_conflict_do_nothing().returning(WEBHOOKS.c.id)
    connection.execute(_DELIVER_ENDED, {"ids": list(connection.execute(added).scalars())})


def stop_deliveries(connection: Connection, receiver: WebhookId) -> None:
    """Send nothing more to a receiver."""
    pending = update(DELIVERIES).where(DELIVERIES.c.webhook_id == receiver, DELIVERIES.c.status == "pending")
    connection.execute(pending.values(status="stopped", leased_until=None))


def _require_room(connection: Connection, project_id: ProjectId, added: WebhookId) -> None:
    others = select(func.count()).where(WEBHOOKS.c.project_id == project_id, _IS_ENDPOINT, WEBHOOKS.c.id != added)
    if connection.execute(others).scalar_one() >= MAX_ENDPOINTS:
        raise errors.FieldInvalid(f"A project has at most {MAX_ENDPOINTS} webhooks; delete one.", field="url")


def _row(project_id: ProjectId, url: str, subject: str | None = None) -> dict[str, Any]:
    identity, host = webhook_id(project_id, url, subject), host_of(project_id, url)
    return {"id": identity, "project_id": project_id, "subject": subject, "url": url, "host": host}


def _own(project_id: ProjectId, endpoint_id: str) -> tuple[ColumnElement[bool], ...]:
    wanted = WEBHOOKS.c.id == endpoint_id if is_id(endpoint_id) else ~true()
    return WEBHOOKS.c.project_id == project_id, _IS_ENDPOINT, wanted


def _webhook(row: Any) -> Webhook:
    return Webhook(
        id=row["id"],
        project_id=row["project_id"],
        url=row["url"],
        types=tuple(row["types"]) if row["types"] else None,
        created=row["created"],
        disabled=row["disabled"],
    )
