"""What Prefect, its database and the home have stored, to look for secrets in it."""

from pathlib import Path

import psycopg
from psycopg import sql

from tests.service import csrf

DATA = ("secrets", "files", "scratch", "postgres")


def logs_of(penstock, task):
    """The log of the task's run, once it says that the run has failed; None before."""
    return logs_with("failed in", penstock, task)


def logs_with(words, penstock, task):
    """The log of the task's run, once it has these words; None before."""
    wanted = {"logs": {"flow_run_id": {"any_": [task["run"]["id"]]}}}
    found = penstock.prefect.post("/logs/filter", json=wanted, headers=csrf(penstock)).raise_for_status().json()
    return found if any(words in line["message"] for line in found) else None


def files_of(home: Path) -> list[Path]:
    """The files of the home without its data, but with the database's log."""
    found = [place for place in home.rglob("*") if place.is_file()]
    return [place for place in found if place.relative_to(home).parts[0] not in DATA or place.suffix == ".log"]


def tables_with(secret, penstock, database):
    """The tables of this database that have the secret in any row."""
    with psycopg.connect(penstock.service.database_url, dbname=database) as connection:
        named = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return [name for (name,) in named if connection.execute(rows_with(name), (secret,)).fetchone() != (0,)]


def rows_with(table):
    return sql.SQL("SELECT count(*) FROM {} AS kept WHERE position(%s IN kept::text) > 0").format(sql.Identifier(table))


def in_state(penstock, name):
    """How many runs are in the state of this name."""
    wanted = {"flow_runs": {"state": {"name": {"any_": [name]}}}}
    return penstock.prefect.post("/flow_runs/count", json=wanted, headers=csrf(penstock)).raise_for_status().json()
