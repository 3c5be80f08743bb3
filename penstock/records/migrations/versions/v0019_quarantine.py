"""In which state the attempts of a task were lost, if it was always the same."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("lost_in", sa.String()))


def downgrade() -> None:
    op.drop_column("tasks", "lost_in")
