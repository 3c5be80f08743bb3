"""Run by Alembic for each upgrade, on the caller's connection and in its transaction."""

from alembic import context

from penstock.records.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
