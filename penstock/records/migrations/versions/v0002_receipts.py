"""Receipts of outputs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "receipts",
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("bytes_ratio", sa.Double()),
        sa.Column("seconds_ratio", sa.Double()),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("made", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="receipts_file_id_fkey"),
        sa.PrimaryKeyConstraint("file_id", name="receipts_pkey"),
    )
    op.create_index("receipts_by_family", "receipts", ["family", "made"])


def downgrade() -> None:
    op.drop_table("receipts")
