"""Key rotation: expiring keys and the previous secret of a project."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("keys", sa.Column("expires", MOMENT))
    op.add_column("keys", sa.Column("from_environment", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("projects", sa.Column("previous_secret", sa.String()))
    op.add_column("projects", sa.Column("previous_until", MOMENT))


def downgrade() -> None:
    for table, name in (
        ("projects", "previous_until"),
        ("projects", "previous_secret"),
        ("keys", "from_environment"),
        ("keys", "expires"),
    ):
        op.drop_column(table, name)
