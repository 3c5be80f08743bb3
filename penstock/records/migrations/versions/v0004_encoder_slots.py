"""Which lease of an encoder slot an attempt holds, so that slots without a live attempt can be told from others."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("slot", sa.String))


def downgrade() -> None:
    op.drop_column("tasks", "slot")
