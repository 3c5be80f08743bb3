"""The tables of a new database of Prefect. `python -m tests.orchestration.prefect_tables` writes them to the file that
a new home starts with; a test compares the two."""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

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


def migrated(folder: Path) -> str:
    """What `pg_dump` prints of a database that Prefect's migrations have made, with its block types."""
    with postgres_server(folder, databases=(PREFECT_DATABASE,)) as server:
        url = prefect_database_url(server.url())
        variables = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url, "PREFECT_HOME": str(folder / "prefect")}
        environment = {"PATH": os.environ["PATH"], **variables}
        subprocess.run([sys.executable, "-c", MIGRATE], env=environment, check=True)
        return dumped(server.url(PREFECT_DATABASE))


def dumped(url: str) -> str:
    return subprocess.run([program("pg_dump"), "--no-owner", url], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        tables_file().write_bytes(gzip.compress(migrated(Path(folder)).encode(), mtime=0))
