"""Whose a receipt is: estimates learn of a project's own conversions."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("receipts", sa.Column("project_id", sa.String()))
    op.execute("UPDATE receipts SET project_id = files.project_id FROM files WHERE files.id = receipts.file_id")
    op.alter_column("receipts", "project_id", nullable=False)
    op.drop_index("receipts_by_family", "receipts")
    op.create_index("receipts_by_project", "receipts", ["project_id", "family", "made"])


def downgrade() -> None:
    op.drop_index("receipts_by_project", "receipts")
    op.create_index("receipts_by_family", "receipts", ["family", "made"])
    op.drop_column("receipts", "project_id")
