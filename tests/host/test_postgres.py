"""The PostgreSQL of a home runs exactly as long as a process uses it."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest

from penstock.domain.errors import DatabaseUnavailable
from penstock.host import postgres
from penstock.host.postgres import postgres_server, restart_if_dead, server_process
from penstock.host.starting_postgres import starting_postgres
from tests.service import alive


def test_a_home_gets_a_server_that_holds_its_data(tmp_path):
    with postgres_server(tmp_path) as server, psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")
    with postgres_server(tmp_path) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("still here",)


def test_the_server_stops_when_its_last_user_leaves(tmp_path):
    with postgres_server(tmp_path) as first:
        with postgres_server(tmp_path) as second:
            assert second == first
        assert is_running(first.process)
    assert not is_running(first.process)
    assert not first.sockets.exists()


def test_a_killed_user_leaves_a_server_that_the_next_one_adopts_and_stops(tmp_path):
    orphan = start_and_be_killed(tmp_path)
    assert is_running(orphan)
    with postgres_server(tmp_path) as server:
        assert server.process == orphan
    assert not is_running(orphan)


def test_it_has_the_extension_that_prefect_needs(tmp_path):
    with postgres_server(tmp_path) as server, psycopg.connect(server.url()) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")


def start_and_be_killed(home: Path) -> int:
    code = (
        "import sys, pathlib, time; from penstock.host.postgres import postgres_server\n"
        "with postgres_server(pathlib.Path(sys.argv[1])) as server: print(server.process, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) as user:
        assert user.stdout
        process = int(user.stdout.readline())
        user.send_signal(signal.SIGKILL)
    return process


def is_running(process: int) -> bool:
    for _ in range(100):
        if not alive(process):
            return False
        time.sleep(0.001)
    return True


@pytest.mark.parametrize("depth", [30])
def test_a_home_with_a_long_path_works(tmp_path, depth):
    with postgres_server(tmp_path / "/".join(["deep"] * depth)) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_died_in_use_is_restarted_with_its_data(tmp_path):
    with postgres_server(tmp_path) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (word text)")
        assert not restart_if_dead(tmp_path)

        os.kill(server.process, signal.SIGKILL)
        assert not is_running(server.process)
        assert restart_if_dead(tmp_path)
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_server_starts_though_its_old_process_id_is_another_programs(tmp_path):
    with postgres_server(tmp_path) as server:
        told = (tmp_path / "postgres" / "postmaster.pid").read_text()
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "postgres" / "postmaster.pid").write_text(told.replace(str(server.process), str(other.pid), 1))
        assert server_process(tmp_path) is None
        with postgres_server(tmp_path) as again, psycopg.connect(again.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert other.poll() is None
        other.kill()


def test_a_killed_server_whose_sessions_still_run_is_restarted(tmp_path):
    with postgres_server(tmp_path) as server, closing(psycopg.connect(server.url(), autocommit=True)) as busy:
        threading.Thread(target=wait_in_vain, args=(busy,), daemon=True).start()
        os.kill(server.process, signal.SIGKILL)
        with postgres_server(tmp_path) as again, psycopg.connect(again.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def wait_in_vain(connection):
    with suppress(psycopg.Error):
        connection.execute("CREATE TABLE numbers AS SELECT generate_series(1, 2000000)")


def test_a_full_disk_is_reported_as_that(tmp_path, monkeypatch):
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\necho 'FATAL: could not write: No space left on device' >&2\nexit 1\n")
    initdb.chmod(0o755)
    monkeypatch.setattr(postgres, "program", lambda _name: str(initdb))
    with pytest.raises(DatabaseUnavailable, match="its disk is full"), postgres_server(tmp_path / "home"):
        pass


def test_a_database_that_cannot_be_created_is_reported_as_that(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "program", lambda _name: "/bin/false")
    with pytest.raises(DatabaseUnavailable), postgres_server(tmp_path / "home"):
        pass


def test_an_interrupt_from_the_terminal_does_not_end_the_start_of_a_server(tmp_path):
    told = tmp_path / "group"
    with starting_postgres(tmp_path / "home", lambda _url: told.write_text(str(os.getpgrp())) and None) as database:
        database.wait()
        assert int(told.read_text()) == database.starter.pid, "not in the group that the terminal interrupts"
