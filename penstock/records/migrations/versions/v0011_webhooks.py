"""Webhooks, their deliveries, and the trigger that inserts a delivery for each receiver when a task or batch ends.

A trigger, because tasks end by a dozen statements, some for thousands of rows: none can forget it, and the delivery
exists if and only if the end was committed. Without receivers it costs one index lookup a row."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0011"
down_revision = "0010"

PENDING = sa.text("status = 'pending'")
INSERT_DELIVERIES = """
CREATE FUNCTION insert_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event text := TG_ARGV[0] || '.' || NEW.status;
BEGIN
    INSERT INTO deliveries (id, project_id, webhook_id, url, host, subject, type, snapshot)
    SELECT 'dlv_' || replace(gen_random_uuid()::text, '-', ''), project_id, id, url, host, NEW.id, event, to_jsonb(NEW)
    FROM webhooks
    WHERE project_id = NEW.project_id AND (subject IS NULL OR subject = NEW.id)
        AND disabled IS NULL AND (types IS NULL OR event = ANY (types));
    IF FOUND THEN
        PERFORM pg_notify('penstock_delivery', '');
    END IF;
    RETURN NULL;
END $$
"""
ON_END = """
CREATE TRIGGER {table}_ended AFTER UPDATE OF status ON {table} FOR EACH ROW
WHEN (OLD.status = 'processing' AND NEW.status IN ('completed', 'failed', 'cancelled'))
EXECUTE FUNCTION insert_deliveries('{kind}')
"""


def upgrade() -> None:
    op.create_table("webhooks", *_webhook_columns())
    op.create_table("deliveries", *_delivery_columns())
    op.create_table(
        "webhook_hosts",
        sa.Column("host", sa.String(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=False),
    )
    _create_indexes()
    op.execute(INSERT_DELIVERIES)
    op.execute(ON_END.format(table="tasks", kind="task"))
    op.execute(ON_END.format(table="batches", kind="batch"))


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _webhook_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("subject", sa.String()),
        _text("url"),
        _text("host"),
        sa.Column("types", ARRAY(sa.String())),
        _time("created"),
        sa.Column("disabled", sa.DateTime(timezone=True)),
    ]


def _delivery_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(), primary_key=True),
        *(_text(name) for name in ("project_id", "webhook_id", "url", "host", "subject", "type")),
        sa.Column("snapshot", JSONB(), nullable=False),
        sa.Column("status", sa.String(), nullable=False, server_default="pending"),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("log", JSONB(), nullable=False, server_default=sa.text("'[]'")),
        *(_time(name) for name in ("created", "due", "since")),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
    ]


def _create_indexes() -> None:
    ended, leased = sa.text("status <> 'pending'"), sa.text("leased_until IS NOT NULL")
    op.create_index("webhooks_by_project", "webhooks", ["project_id", "subject"])
    op.create_index("deliveries_due", "deliveries", ["host", "due"], postgresql_where=PENDING)
    op.create_index("deliveries_leased", "deliveries", ["host"], postgresql_where=leased)
    op.create_index("deliveries_by_subject", "deliveries", ["subject", "created"])
    op.create_index("deliveries_by_webhook", "deliveries", ["webhook_id"], postgresql_where=PENDING)
    op.create_index("deliveries_by_age", "deliveries", ["created"], postgresql_where=ended)
    op.create_index("deliveries_pending_since", "deliveries", ["since"], postgresql_where=PENDING)


def downgrade() -> None:
    for table in ("tasks", "batches"):
        op.execute(f"DROP TRIGGER {table}_ended ON {table}")
    op.execute("DROP FUNCTION insert_deliveries")
    for table in ("webhook_hosts", "deliveries", "webhooks"):
        op.drop_table(table)
