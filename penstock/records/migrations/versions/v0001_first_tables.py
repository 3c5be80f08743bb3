"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    _organisations()
    _projects()
    _files()
    _keys()
    _tasks()
    _outbox()


def downgrade() -> None:
    for table in ("outbox", "tasks", "keys", "files", "projects", "organisations"):
        op.drop_table(table)


def _organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("created", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="organisations_pkey"),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="projects_organisation_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="projects_pkey"),
        sa.UniqueConstraint("name", name="projects_name_key"),
    )


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("task_id", sa.String()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("filesize", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("codecs", sa.String()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("duration", sa.Double()),
        sa.Column("fps", sa.Double()),
        sa.Column("frames", sa.BigInteger()),
        sa.Column("bitrate", sa.BigInteger()),
        sa.Column("media", JSONB()),
        sa.Column("created", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated", MOMENT, server_default=NOW, nullable=False),
        sa.Column("deleted", MOMENT),
        sa.Column("purged", MOMENT),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="files_project_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="files_pkey"),
    )
    op.create_index(
        "files_by_age", "files", ["project_id", "created", "id"], postgresql_where=sa.text("deleted IS NULL")
    )
    op.create_index(
        "files_unpurged", "files", ["deleted"], postgresql_where=sa.text("deleted IS NOT NULL AND purged IS NULL")
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created", MOMENT, server_default=NOW, nullable=False),
        sa.Column("revoked", MOMENT),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="keys_project_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="keys_pkey"),
        sa.UniqueConstraint("sha256", name="keys_sha256_key"),
    )
    op.create_index("keys_by_project", "keys", ["project_id"])


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("request", JSONB(), nullable=False),
        sa.Column("file_id", sa.String()),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default="processing", nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("progress", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("losses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelling", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("owner", sa.String()),
        sa.Column("run_id", sa.String()),
        sa.Column("beat", MOMENT),
        sa.Column("error", JSONB()),
        sa.Column("plan", JSONB()),
        sa.Column("output_id", sa.String()),
        sa.Column("batch", sa.String()),
        sa.Column("created", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="tasks_file_id_fkey"),
        sa.ForeignKeyConstraint(["output_id"], ["files.id"], name="tasks_output_id_fkey"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="tasks_project_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="tasks_pkey"),
        sa.UniqueConstraint("project_id", "fingerprint", name="tasks_project_id_fingerprint_key"),
    )
    op.create_index("tasks_by_age", "tasks", ["project_id", "created", "id"])
    op.create_index("tasks_by_output", "tasks", ["output_id"], postgresql_where=sa.text("output_id IS NOT NULL"))
    op.create_index("tasks_by_run", "tasks", ["run_id"], postgresql_where=sa.text("run_id IS NOT NULL"))
    op.create_index("tasks_reading", "tasks", ["file_id"], postgresql_where=sa.text("status = 'processing'"))
    op.create_index(
        "tasks_unfinished", "tasks", ["id", "project_id"], postgresql_where=sa.text("status = 'processing'")
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("due", MOMENT, server_default=NOW, nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="outbox_task_id_fkey"),
        sa.PrimaryKeyConstraint("task_id", name="outbox_pkey"),
    )
    op.create_index("outbox_due", "outbox", ["due"])
