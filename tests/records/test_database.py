"""PostgreSQL's errors are translated, and broken connections are not used again."""

import psycopg
import pytest

from penstock.domain import errors
from penstock.records import Records
from penstock.records.database import CLOSED_IDLE_SECONDS, MAX_IDLE_SECONDS
from tests.records.rows import video_request


def read_only(records: Records, switch: str) -> None:
    with psycopg.connect(records.url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        name = connection.execute("SELECT current_database()").fetchone()[0]
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {switch}')


def test_a_read_only_database_is_unavailable_until_it_is_writable(separate_records):
    project = separate_records.keys.new_project("one")
    read_only(separate_records, "on")
    separate_records._database._engine.dispose()  # as a fail-over ends all connections

    with pytest.raises(errors.DatabaseUnavailable):
        separate_records.tasks.submit(project, video_request())
    with pytest.raises(errors.DatabaseUnavailable):
        separate_records.ping()
    read_only(separate_records, "off")
    separate_records.ping()
    assert separate_records.tasks.submit(project, video_request()).status == "processing"


def test_a_value_that_the_database_cannot_hold_is_a_media_error(separate_records):
    task = separate_records.tasks.submit(separate_records.keys.new_project("one"), video_request())
    separate_records.tasks.begin(task.id, 1, "me", "run")

    with pytest.raises(errors.MediaError) as refused:
        separate_records.tasks.heartbeat(task.id, 1, "me", "transcoding", 10**12)
    assert (refused.value.code, refused.value.transient) == ("internal", False)


def test_a_connection_that_the_server_closed_while_it_was_idle_is_replaced(separate_records):
    project = separate_records.keys.new_project("one")
    with psycopg.connect(separate_records.url, autocommit=True) as connection:
        closed = connection.execute(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
        ).fetchone()[0]

    assert closed >= 1
    assert separate_records.tasks.submit(project, video_request()).status == "processing"


def test_the_server_closes_idle_connections_only_after_they_would_be_pinged(separate_records):
    with separate_records._database.reading() as connection:
        told = connection.exec_driver_sql("SHOW idle_session_timeout").scalar()

    assert told == f"{CLOSED_IDLE_SECONDS}s"
    assert CLOSED_IDLE_SECONDS >= 2 * MAX_IDLE_SECONDS
