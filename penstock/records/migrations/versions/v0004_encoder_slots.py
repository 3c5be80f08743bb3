"""The lease of the encoder slot that an attempt holds, to find slots that no live attempt holds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("slot", sa.String))


def downgrade() -> None:
    op.drop_column("tasks", "slot")
