"""PostgreSQL may be restarted, become read-only or lose its replies: every accepted task is completed once."""

import os
import signal
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from benchmarks.faults.repeating_client import ACCEPTED, AWAY, RepeatingClient
from benchmarks.harness.json_client import Refused
from benchmarks.harness.postgres_relay import postgres_relay
from penstock.domain import errors
from penstock.domain.attempts import OutboxEntry
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.pagination import ListQuery
from penstock.host.postgres import server_process
from penstock.orchestration.prefect_server import database_url_of
from penstock.records import Records
from tests.records.rows import output_of, receipt_of, video_request
from tests.service import processes_with, wait_for


@pytest.fixture
def caller(penstock):
    with RepeatingClient(penstock.service.api_url, penstock.key) as client:
        yield client


@pytest.fixture
def begin(penstock, origin, long_video):
    """Begins the conversion of a request of this height, and returns it with another one."""
    request = {"url": f"{origin}/{long_video.name}", "kind": "video", "format": "webm", "end": 2}
    still = {"url": request["url"], "kind": "image", "format": "jpeg", "at": 1}

    def begin(height):
        task = penstock.client.create(request | {"height": height})
        wait_for(lambda: processes_with("ffmpeg", task["id"], "output.webm"), 90)
        return request | {"height": height}, still | {"height": height}

    return begin


@pytest.mark.service
def test_an_immediate_restart_of_postgresql_loses_no_task(penstock, caller, begin):
    (running, accepted), before = begin(362), server_process(penstock.home.root)
    os.kill(before, signal.SIGQUIT)
    caller.create(accepted)

    assert server_process(penstock.home.root) not in (before, None)
    assert [attempts(penstock, each) for each in (running, accepted)] == [1, 1]
    assert set(caller.answers) <= {ACCEPTED, AWAY}


@pytest.mark.service
def test_a_read_only_database_loses_no_task(penstock, begin):
    running, accepted = begin(366)
    set_read_only(penstock, "on")
    with pytest.raises(Refused) as refused:
        penstock.client.create(accepted)
    health = httpx.get(f"{penstock.service.api_url}/health", trust_env=False)
    set_read_only(penstock, "off")

    assert (refused.value.code, health.status_code) == ("database_unavailable", 503)
    assert [attempts(penstock, each) for each in (running, accepted)] == [1, 1]


def attempts(penstock, request):
    """With how many attempts the request is completed."""
    return penstock.converted(request)["attempt"]


def set_read_only(penstock, switch):
    """Of all databases; their connections end, as in a fail-over."""
    with psycopg.connect(database_url_of(penstock.service.database_url, "postgres"), autocommit=True) as connection:
        for name in ("penstock", "prefect"):
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {switch}")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture
def relay(database_server):
    with postgres_relay(database_server.socket) as relay:
        yield relay


@pytest.fixture
def records(relay, new_database):
    """Records that reach their database through the relay."""
    with closing(Records(relay.url(urlsplit(new_database()).path[1:]))) as records:
        records.migrate()
        yield records


@pytest.fixture
def repeated(relay):
    """Calls something twice: the first time it commits, and the reply to the statement is lost."""

    def call(statement, work, *arguments):
        relay.lose_reply(statement)
        with pytest.raises(errors.DatabaseUnavailable):
            work(*arguments)
        assert not relay.is_waiting
        return work(*arguments)

    return call


def test_what_is_repeated_because_its_reply_was_lost_is_done_once(records, repeated):
    project = records.keys.new_project("one")
    task = repeated("INSERT INTO tasks", records.tasks.submit, project, video_request())
    assert repeated("UPDATE outbox", records.tasks.claim_due, 1) == []  # another dispatcher might have it
    assert repeated("SET run_id", records.tasks.record_run, OutboxEntry(task.id, 1, 1), "run")
    repeated("SET status", records.tasks.begin, task.id, 1, "me", "run")
    assert not repeated("SET state", records.tasks.heartbeat, task.id, 1, "me", "transcoding", 50)
    output = output_of(task)
    repeated("INSERT INTO files", records.tasks.complete, task.id, 1, "me", output, receipt_of(output))

    (done,) = records.tasks.page(project, ListQuery()).items
    assert (done.status, done.attempt, done.output.id) == ("completed", 1, output.id)
    assert records.files.page(project, ListQuery()).total == 1


def test_a_lost_attempt_is_retried_once_though_the_reply_is_lost(records, repeated):
    project = records.keys.new_project("one")
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", "run")

    assert repeated("INSERT INTO outbox", records.tasks.retry_lost, task.id, 1) is None
    assert records.tasks.get_by_id(task.id).attempt == 2


def test_a_batch_is_submitted_once_though_the_reply_is_lost(records, repeated):
    order = BatchOrder(BatchSpec(source="s3://in/", destination="s3://out/", defaults={"format": "webp"}))
    project = records.keys.new_project("one")
    batch = repeated("INSERT INTO batches", records.batches.submit, project, order)

    assert (batch.attempt, records.batches.page(project, ListQuery()).total) == (1, 1)
