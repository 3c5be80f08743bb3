"""Prefixes in which objects have arrived, until a batch converts them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "arrivals",
        sa.Column("rule", sa.String(), primary_key=True),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
            for name in ("since", "noted", "due")
        ),
    )


def downgrade() -> None:
    op.drop_table("arrivals")
