"""Records in a real PostgreSQL: one migrated database for all tests, a new project for each."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.task import File
from penstock.records import Records
from tests.records.rows import FACTS, NEVER


@pytest.fixture(scope="session")
def database(new_database: Callable[[], str]) -> str:
    url = new_database()
    with_tables = Records(url)
    with_tables.migrate()
    with_tables.close()
    return url


@pytest.fixture(scope="session")
def records(database: str) -> Iterator[Records]:
    opened = Records(database, lease_seconds=60)
    yield opened
    opened.close()


@pytest.fixture
def separate_records(new_database: Callable[[], str]) -> Iterator[Records]:
    """Records that no other test writes to."""
    opened = Records(new_database())
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def records_without_lease(database: str) -> Iterator[Records]:
    """Records for which an owner is lost at once."""
    opened = Records(database, lease_seconds=0)
    yield opened
    opened.close()


@pytest.fixture
def project(records: Records) -> ProjectId:
    return records.keys.new_project(f"project {secrets.token_hex(8)}")


@pytest.fixture
def upload(records: Records, project: ProjectId) -> File:
    file_id = new_file_id()
    return records.files.add(File(file_id, project, "file", FACTS, f"files/{file_id}", None, NEVER, NEVER))
