"""Chunks of a batch: another run after an error, and row locks that never wait for each other."""

import threading
import time

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.engine import make_url

from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.lines import line_request
from penstock.domain.batch.spec import BatchSpec
from penstock.records.batches.line_tasks import LineTask
from penstock.records.tables import CHUNKS, OUTBOX, TASKS

LINES = 20


@pytest.fixture
def batch(records, project):
    spec = BatchSpec(source="/photos", destination="/out", defaults={"format": "webp"})
    return records.batches.submit(project, BatchOrder(spec, trusted=True))


@pytest.fixture
def chunk(records, project, batch):
    """A chunk of 20 lines that has not begun."""
    return records.chunks.submit(batch.id, project, "image", "photos", lines_of())


@pytest.fixture
def connection(database):
    engine = create_engine(make_url(database).set(drivername="postgresql+psycopg"))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def lines_of():
    return [
        LineTask(
            number,
            line_request(
                {}, {"kind": "image", "format": "webp"}, f"file:///photos/{number}.jpg", f"file:///out/{number}.webp"
            ),
        )
        for number in range(1, LINES + 1)
    ]


def fail(records, chunk_id, attempt):
    records.chunks.begin(chunk_id, attempt, f"owner {attempt}", "run")
    records.chunks.retry_failed((chunk_id, attempt, f"owner {attempt}"), attempts=3)


def chunk_row(connection, chunk_id):
    return connection.execute(select(CHUNKS, func.now().label("now")).where(CHUNKS.c.id == chunk_id)).mappings().one()


def test_a_chunk_that_an_error_ended_runs_again_later(records, chunk, connection):
    fail(records, chunk, 1)
    row = chunk_row(connection, chunk)

    assert (row["status"], row["attempt"], row["losses"], row["owner"]) == ("processing", 2, 1, None)
    assert row["due"] > row["now"]


def test_a_chunk_that_errors_end_again_and_again_gives_its_lines_runs_of_their_own(records, batch, chunk, connection):
    for attempt in (1, 2, 3):
        fail(records, chunk, attempt)
    waiting = select(func.count()).select_from(OUTBOX.join(TASKS, TASKS.c.id == OUTBOX.c.task_id))

    assert chunk_row(connection, chunk)["status"] == "ended"
    assert connection.execute(waiting.where(TASKS.c.batch == batch.id)).scalar() == LINES


def test_a_run_that_lost_its_chunk_does_not_replace_its_successor(records, chunk, connection):
    fail(records, chunk, 1)
    records.chunks.retry_failed((chunk, 1, "owner 1"), attempts=3)

    assert chunk_row(connection, chunk)["attempt"] == 2


CHANGES = {
    "cancel the batch": lambda records, batch, _chunk: records.batch_runs.cancel_lines(batch.id),
    "cancel the chunk": lambda records, _batch, chunk: records.batch_runs.cancel_chunk(chunk),
    "begin": lambda records, _batch, chunk: records.chunks.begin(chunk, 1, "owner", "run"),
    "dissolve": lambda records, _batch, chunk: records.chunks.dissolve(chunk, 1),
    "submit again": lambda records, batch, _chunk: records.chunks.submit(
        batch.id, batch.project_id, "image", "photos", lines_of()
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_lines_of_a_chunk_are_locked_in_the_order_of_their_ids(records, batch, chunk, connection, change):
    ids = connection.execute(select(TASKS.c.id).where(TASKS.c.batch == batch.id).order_by(TASKS.c.id)).scalars().all()
    connection.execute(select(TASKS.c.id).where(TASKS.c.id == ids[0]).with_for_update())
    other = threading.Thread(target=CHANGES[change], args=(records, batch, chunk))
    other.start()
    wait_until_blocked(connection)
    free = select(TASKS.c.id).where(TASKS.c.id.in_(ids)).with_for_update(skip_locked=True)
    unlocked = connection.execute(free).scalars().all()
    connection.rollback()
    other.join(30)

    assert len(unlocked) == LINES


def wait_until_blocked(connection):
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
    deadline = time.monotonic() + 10
    while not connection.execute(blocked).scalar() and time.monotonic() < deadline:
        time.sleep(0.02)
