"""The version of the input that a task converted, so that a schedule can tell whether it has changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("input_version", JSONB(none_as_null=True)))


def downgrade() -> None:
    op.drop_column("tasks", "input_version")
