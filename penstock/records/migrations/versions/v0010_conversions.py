"""The digest of the conversion that made a file, or that an attempt is making; several files may share their bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

REUSABLE = sa.text("deleted IS NULL AND conversion IS NOT NULL")
CONVERTING = sa.text("status = 'processing' AND conversion IS NOT NULL")


def upgrade() -> None:
    op.add_column("files", sa.Column("conversion", sa.String()))
    op.add_column("tasks", sa.Column("conversion", sa.String()))
    op.create_index("files_by_key", "files", ["key"], postgresql_where=sa.text("purged IS NULL"))
    op.create_index("files_by_conversion", "files", ["project_id", "conversion", "created"], postgresql_where=REUSABLE)
    op.create_index("tasks_converting", "tasks", ["project_id", "conversion"], postgresql_where=CONVERTING)


def downgrade() -> None:
    op.drop_index("tasks_converting", "tasks")
    op.drop_index("files_by_conversion", "files")
    op.drop_index("files_by_key", "files")
    op.drop_column("tasks", "conversion")
    op.drop_column("files", "conversion")
