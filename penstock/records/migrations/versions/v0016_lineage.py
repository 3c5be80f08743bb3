"""A second receiver of ended tasks and batches: the lineage server. Its triggers are off unless there is one."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

INSERT = """
CREATE FUNCTION insert_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_outbox (id, project_id, subject, type, snapshot, receiver)
    VALUES (gen_random_uuid()::text, NEW.project_id, NEW.id, TG_ARGV[0] || '.' || NEW.status, to_jsonb(NEW), 'lineage');
    RETURN NULL;
END $$
"""
ON_END = """
CREATE TRIGGER {table}_lineage AFTER UPDATE OF status ON {table} FOR EACH ROW
WHEN (OLD.status = 'processing' AND NEW.status IN ('completed', 'failed', 'cancelled'))
EXECUTE FUNCTION insert_lineage('{kind}')
"""
SUBJECTS = {"tasks": "task", "batches": "batch"}


def upgrade() -> None:
    op.add_column("event_outbox", sa.Column("receiver", sa.String(), nullable=False, server_default="prefect"))
    op.drop_index("event_outbox_due", "event_outbox")
    op.create_index("event_outbox_due", "event_outbox", ["receiver", "due"])
    op.execute(INSERT)
    for table, kind in SUBJECTS.items():
        op.execute(ON_END.format(table=table, kind=kind))
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_lineage")


def downgrade() -> None:
    for table in SUBJECTS:
        op.execute(f"DROP TRIGGER {table}_lineage ON {table}")
    op.execute("DROP FUNCTION insert_lineage()")
    op.drop_column("event_outbox", "receiver")
    op.create_index("event_outbox_due", "event_outbox", ["due"])
