"""The counters of all processes, for Prometheus, and an index by which ended tasks are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("label", sa.String(), primary_key=True),
        sa.Column("value", sa.Double(), nullable=False),
    )
    ended = sa.text("status != 'processing'")
    op.create_index("tasks_ended", "tasks", ["updated"], postgresql_where=ended)


def downgrade() -> None:
    op.drop_index("tasks_ended", "tasks")
    op.drop_table("counters")
