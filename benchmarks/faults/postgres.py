"""PostgreSQL is away during conversions: restarted at once, read-only for a while, or its reply to a commit is lost."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Timer

import httpx
import psycopg
from psycopg import sql

from benchmarks.faults.fault_run import SLOTS, FaultRun, Up, end_all, fault_run, leftovers, row, slots_held, up
from benchmarks.faults.repeating_client import RepeatingClient
from benchmarks.harness.json_client import Refused
from benchmarks.harness.postgres_relay import PostgresRelay, postgres_relay
from benchmarks.harness.report import Row
from benchmarks.harness.service import wait_until
from penstock.host.postgres import postgres_server, server_process
from penstock.orchestration.prefect_server import PREFECT_DATABASE, database_url_of

DATABASES = ("penstock", PREFECT_DATABASE)
READ_ONLY_SECONDS = 5.0
SECONDS = 2
# A part of a statement whose transaction's reply is lost, by what it does.
COMMITS = {
    "a POST": "INSERT INTO tasks",
    "the outbox": "UPDATE outbox SET due = now() +",
    "Prefect's new run": "INSERT INTO flow_run (",
    "the run's id": "UPDATE tasks SET run_id=",
    "the begin of an attempt": "cancelling=CASE WHEN",
    "a heartbeat": "beat=now(), updated=CASE",
    "an encoder slot": "UPDATE tasks SET slot=",
    "Prefect's state of a run": "INSERT INTO flow_run_state",
    "the completion": "INSERT INTO receipts",
}
Fault = Callable[[FaultRun, Up, RepeatingClient], None]


def restarts(times: int) -> Row:
    """Stop PostgreSQL as `pg_ctl stop -m immediate` does, while every slot is in use; `up` starts it again."""
    return _row(f"`postgres-restarts`: PostgreSQL stopped at once, {times} times", [_restart] * times)


def read_only(times: int) -> Row:
    """Let the databases refuse writes for some seconds, as after a fail-over to a server that is not promoted yet."""
    what = f"`postgres-read-only`: PostgreSQL read-only for {READ_ONLY_SECONDS:.0f} s, {times} times"
    return _row(what, [_read_only] * times)


def replies(times: int) -> Row:
    """Lose the reply to a commit of each kind; the service reaches PostgreSQL through a relay that does so."""
    what = f"`postgres-replies`: the reply to a commit lost, {times} times each of {', '.join(COMMITS)}"
    with fault_run(SECONDS) as run:
        with (
            postgres_server(run.home.root, DATABASES) as server,
            postgres_relay(server.socket) as relay,
            up(run, PENSTOCK_DATABASE_URL=relay.url("penstock")) as running,
        ):
            told, left = _broken(run, running, [partial(_lose_reply, relay, part) for part in COMMITS.values()] * times)
        return row(what, run, leftovers(run) | left, told)


def _row(what: str, faults: Sequence[Fault]) -> Row:
    with fault_run(SECONDS) as run:
        with up(run) as running:
            told, left = _broken(run, running, faults)
        return row(what, run, leftovers(run) | left, told)


def _broken(run: FaultRun, running: Up, faults: Sequence[Fault]) -> tuple[str, dict[str, int]]:
    """The answers to the requests that were made meanwhile, and what is not as it should be in the end."""
    with RepeatingClient(running.service.api_url, run.home.secret("api_key")) as client:
        for number, fault in enumerate(faults, 1):
            await_work(run, client)
            time.sleep(random.uniform(0, 3))
            fault(run, running, client)
            print(f"{number} of {len(faults)}; {client.told()}", flush=True)
        end_all(run, client)
        return client.told(), client.differences(run) | {"slots held": slots_held(running, run)}


def await_work(run: FaultRun, client: RepeatingClient) -> None:
    """Wait until every encoder slot is in use; asks for as many conversions, and one that waits."""

    def is_busy() -> bool:
        with suppress(Refused, httpx.HTTPError):
            run.ask(client, max(0, SLOTS + 1 - run.unfinished(client)))
        return len(run.encoders()) >= SLOTS

    wait_until(is_busy, 300)


def _restart(run: FaultRun, _running: Up, client: RepeatingClient) -> None:
    before = server_process(run.home.root)
    assert before is not None
    os.kill(before, signal.SIGQUIT)
    run.ask(client, 1)
    wait_until(lambda: server_process(run.home.root) not in (before, None), 120)


def _read_only(run: FaultRun, running: Up, client: RepeatingClient) -> None:
    _set_read_only(running, "on")
    until = time.monotonic() + READ_ONLY_SECONDS
    Timer(READ_ONLY_SECONDS, _set_read_only, (running, "off")).start()
    run.ask(client, 1)
    wait_until(lambda: time.monotonic() > until, 60)


def _set_read_only(running: Up, switch: str) -> None:
    """New connections are so; those that there are end, as they do when the old server stops."""
    url = database_url_of(running.service.database_url, "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        for name in DATABASES:
            change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
            connection.execute(change.format(sql.Identifier(name), sql.Literal(switch)))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)", [list(DATABASES)]
        )


def _lose_reply(relay: PostgresRelay, statement: str, run: FaultRun, _running: Up, client: RepeatingClient) -> None:
    relay.lose_reply(statement)
    run.ask(client, 1)
    wait_until(lambda: not relay.is_waiting, 120)
