"""Records in a real PostgreSQL: one migrated database for all tests, a project of its own for each."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.request import SourceRequest
from penstock.domain.task import File, FileFacts, Task
from penstock.records import Records

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
FACTS = FileFacts(
    "video", "mp4", "video/mp4", filesize=9, sha256="ab", codecs="h264,aac", width=64, height=48, fps=25.0
)


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
def apart(new_database: Callable[[], str]) -> Iterator[Records]:
    """Records that no other test writes to."""
    opened = Records(new_database())
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def hasty(database: str) -> Iterator[Records]:
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


def asked(url: str = "https://example.com/a.mp4", **more: object) -> SourceRequest:
    return SourceRequest.model_validate({"url": url, "kind": "video", "format": "mp4"} | more)


def reading(file: File) -> SourceRequest:
    return SourceRequest(file_id=file.id, kind="video", format="webm")


def output_of(task: Task) -> File:
    file_id = new_file_id()
    facts = replace(FACTS, sha256=file_id)
    return File(file_id, task.project_id, "source", facts, f"files/{file_id}", task.id, NEVER, NEVER)


def completed(records: Records, task: Task) -> Task:
    """The task, run to its end."""
    records.tasks.begin(task.id, task.attempt, "owner", "run")
    return records.tasks.complete(task.id, task.attempt, "owner", output_of(task))
