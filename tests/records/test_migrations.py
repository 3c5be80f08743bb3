"""The migrations make what the tables say, and a database that is away is said in our words."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from penstock.domain import errors
from penstock.records import Records
from penstock.records.tables import METADATA


def test_models_and_migrations_agree(database: str):
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_several_processes_may_migrate_at_once(new_database: Callable[[], str]):
    url = new_database()
    several = [Records(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(Records.migrate, several))

    several[0].ping()
    for records in several:
        records.close()


def test_a_database_that_is_away_is_said_in_our_words():
    away = Records("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(errors.DatabaseUnavailable) as refused:
        away.ping()
    assert "127.0.0.1" not in str(refused.value)
    away.close()


def test_a_lost_connection_is_replaced(new_database: Callable[[], str]):
    url = new_database()
    records = Records(url)
    records.migrate()
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    records.ping()
    records.close()
