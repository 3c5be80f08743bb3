"""Project and kind of a waiting attempt, so that projects take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SUBMITTED = "status = 'processing' AND run_id IS NOT NULL"
# Processes of the previous version, which may still run, insert neither.
OF_ITS_TASK = """
    CREATE FUNCTION of_its_task() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        SELECT project_id, kind INTO NEW.project_id, NEW.kind FROM tasks WHERE id = NEW.task_id;
        RETURN NEW;
    END $$;
    CREATE TRIGGER of_its_task BEFORE INSERT ON outbox FOR EACH ROW
        WHEN (NEW.project_id IS NULL) EXECUTE FUNCTION of_its_task();
"""


def upgrade() -> None:
    for name in ("project_id", "kind"):
        op.add_column("outbox", sa.Column(name, sa.String()))
    op.execute(
        "UPDATE outbox SET project_id = tasks.project_id, kind = tasks.kind FROM tasks WHERE tasks.id = outbox.task_id"
    )
    for name in ("project_id", "kind"):
        op.alter_column("outbox", name, nullable=False)
    op.execute(OF_ITS_TASK)
    op.create_index("outbox_by_project", "outbox", ["project_id", "kind", "due"])
    op.create_index("tasks_submitted", "tasks", ["project_id"], postgresql_where=sa.text(SUBMITTED))


def downgrade() -> None:
    op.drop_index("tasks_submitted", "tasks")
    op.drop_index("outbox_by_project", "outbox")
    op.execute("DROP FUNCTION of_its_task CASCADE")
    for name in ("kind", "project_id"):
        op.drop_column("outbox", name)
