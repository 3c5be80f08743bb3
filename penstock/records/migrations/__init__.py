"""The history of the tables. Run by code, in one transaction, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select


def upgrade(connection: Connection) -> None:
    """Bring the tables of this connection's database to the newest version."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("penstock migrations"))))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
