"""The outbox of Prefect's events: the trigger that inserts deliveries adds an event for each ended task and batch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from penstock.records.migrations.versions.v0011_webhooks import INSERT_DELIVERIES

revision = "0013"
down_revision = "0011"

ON_END = """
CREATE OR REPLACE FUNCTION insert_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event text := TG_ARGV[0] || '.' || NEW.status;
BEGIN
    INSERT INTO event_outbox (id, project_id, subject, type, snapshot)
    VALUES (gen_random_uuid()::text, NEW.project_id, NEW.id, event, to_jsonb(NEW));
    INSERT INTO deliveries (id, project_id, webhook_id, url, host, subject, type, snapshot)
    SELECT 'dlv_' || replace(gen_random_uuid()::text, '-', ''), project_id, id, url, host, NEW.id, event, to_jsonb(NEW)
    FROM webhooks
    WHERE project_id = NEW.project_id AND (subject IS NULL OR subject = NEW.id)
        AND disabled IS NULL AND (types IS NULL OR event = ANY (types));
    PERFORM pg_notify('penstock_delivery', '');
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "event_outbox",
        sa.Column("id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("project_id", "subject", "type")),
        sa.Column("snapshot", JSONB(), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
            for name in ("created", "due")
        ),
    )
    op.create_index("event_outbox_due", "event_outbox", ["due"])
    op.execute(ON_END)


def downgrade() -> None:
    """The trigger's function is that of migration 0011 again: this one's would insert into a table that is gone."""
    op.execute(INSERT_DELIVERIES.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.drop_table("event_outbox")
