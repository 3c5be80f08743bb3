"""PostgreSQL's errors are translated, and broken connections are not used again."""

import psycopg
import pytest

from penstock.domain import errors
from penstock.records import Records
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
    read_only(separate_records, "off")
    assert separate_records.tasks.submit(project, video_request()).status == "processing"


def test_a_value_that_the_database_cannot_hold_is_a_media_error(separate_records):
    task = separate_records.tasks.submit(separate_records.keys.new_project("one"), video_request())
    separate_records.tasks.begin(task.id, 1, "me", "run")

    with pytest.raises(errors.MediaError) as refused:
        separate_records.tasks.heartbeat(task.id, 1, "me", "transcoding", 10**12)
    assert (refused.value.code, refused.value.transient) == ("internal", False)
