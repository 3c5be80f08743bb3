"""Chunks of a batch: another run after an error, and row locks that never wait for each other."""

import threading
import time

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.engine import make_url

from penstock.domain import errors
from penstock.domain.batch.batch import BatchItem, BatchOrder, ConvertedLine
from penstock.domain.batch.lines import line_request
from penstock.domain.batch.spec import BatchSpec
from penstock.records.batches.line_tasks import LineTask
from penstock.records.tables import CHUNKS, OUTBOX, TASKS
from tests.records.rows import output_of, receipt_of

LINES = 20


@pytest.fixture
def batch(records, project):
    spec = BatchSpec(source="/photos", destination="/out", defaults={"format": "webp"})
    submitted = records.batches.submit(project, BatchOrder(spec, trusted=True))
    items = [BatchItem(number=line.number, input=line.request.url) for line in lines_of()]
    records.batch_items.add(submitted.id, items)
    return submitted


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


def line_of(number):
    fields = {"kind": "image", "format": "webp"}
    return LineTask(number, line_request({}, fields, f"file:///photos/{number}.jpg", f"file:///out/{number}.webp"))


def lines_of():
    return [line_of(number) for number in range(1, LINES + 1)]


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


def test_a_line_that_an_equal_one_has_had_converted_is_not_converted_again(records, project, batch, chunk):
    records.batches.begin(batch.id, 1, "coordinator", "run")
    task = records.chunks.begin(chunk, 1, "owner", "run").lines[0]
    file = output_of(task)
    records.chunks.complete((chunk, 1, "owner"), [ConvertedLine(task, file, receipt_of(file), None)])
    records.batch_items.add(batch.id, [BatchItem(number=LINES + 1, input=task.request.url)])

    equal = LineTask(LINES + 1, task.request)
    assert records.chunks.submit(batch.id, project, "image", "photos", [equal]) is None
    ended = records.batch_items.follow_tasks(batch.id)
    assert {item.status for item in ended} == {"completed"}
    assert len(ended) == 2
    assert records.tasks.get_by_id(task.id).attempt == 1


def test_lines_that_wait_for_a_run_are_taken_back_and_handed_out_again(records, project, batch, chunk):
    assert records.unfinished_runs.take_back(batch.id) == LINES

    assert records.batch_items.counts(batch.id).by_status == {"queued": LINES}
    assert records.chunks.count_waiting(batch.id) == (0, 0)
    with pytest.raises(errors.Superseded):
        records.chunks.begin(chunk, 1, "owner", "run")
    again = records.chunks.submit(batch.id, project, "image", "photos", lines_of())
    assert len(records.chunks.begin(again, 1, "owner", "run").lines) == LINES


def test_lines_that_a_run_has_begun_are_not_taken_back(records, project, batch, chunk):
    records.chunks.begin(chunk, 1, "owner", "run")
    records.chunks.submit_alone(batch.id, project, [line_of(LINES + 1)])
    alone = records.tasks.find_current(project, line_of(LINES + 1).request)
    records.tasks.begin(alone.id, 1, "owner", "its run")

    assert records.unfinished_runs.take_back(batch.id) == 0


def test_a_line_that_waits_for_a_run_of_its_own_is_taken_back(records, project, batch):
    records.chunks.submit_alone(batch.id, project, [line_of(1)])

    assert records.unfinished_runs.take_back(batch.id) == 1
    assert records.chunks.count_waiting(batch.id) == (0, 0)


CHANGES = {
    "cancel the batch": lambda records, batch, _chunk: records.unfinished_runs.cancel_lines(batch.id),
    "cancel the chunk": lambda records, _batch, chunk: records.unfinished_runs.cancel_chunk(chunk),
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
