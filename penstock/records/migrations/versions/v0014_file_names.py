"""The names of files, and of the uploads that tasks convert."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("files", sa.Column("name", sa.String()))
    op.add_column("tasks", sa.Column("file_name", sa.String()))


def downgrade() -> None:
    op.drop_column("tasks", "file_name")
    op.drop_column("files", "name")
