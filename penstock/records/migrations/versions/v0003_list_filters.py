"""An index for each filter of the task list, in the order of the list."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index(
        "tasks_by_status",
        "tasks",
        ["project_id", "status", "created", "id"],
        postgresql_include=["kind", "format"],
    )
    op.create_index("tasks_by_kind", "tasks", ["project_id", "kind", "created", "id"])
    op.create_index("tasks_by_format", "tasks", ["project_id", "format", "created", "id"])


def downgrade() -> None:
    for name in ("status", "kind", "format"):
        op.drop_index(f"tasks_by_{name}", "tasks")
