"""A new database of Prefect, with our deployments. `python -m tests.orchestration.prefect_tables` writes it to the file
that a new home starts with; a test compares the two."""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from penstock.deployments.bootstrap import heading_of_tables
from penstock.host.postgres import postgres_server, program
from penstock.orchestration.prefect_server import PREFECT_DATABASE, prefect_database_url, tables_file

MIGRATE = """
import asyncio
import prefect.plugins
import prefect.server.api.server
from prefect.server.database import provide_database_interface
from prefect.server.models.block_registration import run_block_auto_registration

async def migrate():
    database = provide_database_interface()
    await database.create_db()
    async with database.session_context() as session:
        await run_block_auto_registration(session=session)

prefect.plugins.load_prefect_collections()
asyncio.run(migrate())
"""
# Prefect's client starts a server of its own on the database for these requests.
APPLY = """
import asyncio
from penstock.deployments.bootstrap import apply_prefect_yaml
from penstock.settings import read_settings
asyncio.run(apply_prefect_yaml(read_settings()))
"""
# What that server has noted of itself.
FORGOTTEN = ("events", "event_resources", "csrf_token", "log", "flow_run", "configuration")


SETTINGS = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PENSTOCK_TRANSCODE_SLOTS": "1",
}


def migrated(folder: Path) -> str:
    """What `pg_dump` prints of a database that Prefect's migrations have made, with its block types and our
    deployments, and above it of which `prefect.yaml` they are."""
    with postgres_server(folder, databases=(PREFECT_DATABASE,)) as server:
        url = prefect_database_url(server.url())
        variables = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url, "PREFECT_HOME": str(folder / "prefect")}
        environment = {"PATH": os.environ["PATH"], "PENSTOCK_HOME": str(folder / "home"), **variables, **SETTINGS}
        for script in (MIGRATE, APPLY):
            # In a clone Prefect takes its commit for the version of the deployments.
            subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, check=True)
        with psycopg.connect(server.url(PREFECT_DATABASE)) as connection:
            connection.execute("TRUNCATE " + ", ".join(FORGOTTEN) + " CASCADE")
        return f"{heading_of_tables()}\n{dumped(server.url(PREFECT_DATABASE))}"


def dumped(url: str) -> str:
    return subprocess.run([program("pg_dump"), "--no-owner", url], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        tables_file().write_bytes(gzip.compress(migrated(Path(folder)).encode(), mtime=0))
