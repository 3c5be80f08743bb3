"""What Alembic runs for each upgrade: the caller's connection and transaction, nothing of its own."""

from alembic import context

from penstock.records.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
