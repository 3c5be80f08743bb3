"""Files that are imported from an address: not complete yet, or failed; and metadata of files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("files", sa.Column("status", sa.String(), nullable=False, server_default="ready"))
    op.add_column("files", sa.Column("error", JSONB()))
    op.add_column("files", sa.Column("metadata", JSONB()))
    op.create_table(
        "imports",
        sa.Column("id", sa.String(), sa.ForeignKey("files.id"), primary_key=True),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String()),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False, server_default="processing"),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("losses", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("owner", sa.String()),
        sa.Column("beat", sa.DateTime(timezone=True)),
        sa.Column("run_id", sa.String()),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("project_id", "fingerprint", name="imports_project_id_fingerprint_key"),
    )
    processing = sa.text("status = 'processing'")
    op.create_index("imports_unfinished", "imports", ["project_id"], postgresql_where=processing)
    op.create_index("imports_by_run", "imports", ["run_id"])


def downgrade() -> None:
    """Files without facts are of no use to an earlier version."""
    op.drop_table("imports")
    op.execute("UPDATE files SET deleted = now() WHERE status != 'ready' AND deleted IS NULL")
    for column in ("metadata", "error", "status"):
        op.drop_column("files", column)
