"""`penstock stop`, `penstock status`, and what a command does about a service that is not of its kind.

The service here is a process that only claims its home and tells of itself."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import click
import pytest
from click.testing import CliRunner

from penstock import __version__
from penstock.cli.conversions.command_line import CommandLine
from penstock.cli.conversions.progress_line import NoDisplay
from penstock.cli.conversions.running import Conversions
from penstock.cli.local.service import Start, has_ended, key_of, used_service
from penstock.cli.main import cli
from penstock.client import Client
from penstock.host.home import Home
from penstock.settings import Settings
from penstock.settings.digests import settings_digests
from penstock.settings.variables import variables_digest
from tests.service import wait_for

SERVICE = """
import json, os, signal, sys
from pathlib import Path
from penstock.host.home import Home
from penstock.local_service import RunningService

home = Home.at(Path(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with home.claim():
    if len(sys.argv) > 2:
        told = json.loads(sys.argv[2])
        home.publish(RunningService(process=os.getpid(), linger_seconds=600, **told))
    while True:
        signal.pause()
"""


@contextmanager
def service(home, version=None, settings=None, variables=""):
    """A running one of this version; without a version one that is starting."""
    nowhere = "http://127.0.0.1:1"
    urls = dict.fromkeys(("api_url", "prefect_api_url", "prefect_ui_url"), nowhere)
    told = {**urls, "database_url": "postgresql://nobody@127.0.0.1:1/none", "api_key": "key", "prefect_auth": None}
    facts = (
        [json.dumps(told | {"version": version, "settings": settings or {}, "variables": variables})] if version else []
    )
    process = subprocess.Popen([sys.executable, "-c", SERVICE, home.root, *facts])
    try:
        wait_for(home.running_service if version else home.claimed_by)
        yield process
    finally:
        process.kill()
        process.wait()


def used(home):
    return used_service(home.root, partial(Settings, home=home.root), print)


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path / "home")


def said(command, home, *words):
    return CliRunner().invoke(cli, [command, "--home", str(home.root), *words])


def test_where_nothing_runs_both_say_so(home):
    sentence = f"No service runs on {home.root}.\n"
    told = [said(command, home) for command in ("stop", "status")]
    assert [(each.exit_code, each.stdout) for each in told] == [(0, sentence), (3, sentence)]


def test_asking_creates_no_home(tmp_path):
    said("status", Home(tmp_path / "none"))
    said("stop", Home(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []


def test_stop_waits_until_the_service_has_ended(home):
    with service(home, __version__) as running:
        told = said("stop", home)
        assert (told.exit_code, told.stdout) == (0, f"Stopping the service on {home.root}.\nStopped.\n")
        assert running.wait(5) == 0


def test_a_service_that_is_starting_can_be_seen_and_stopped(home):
    with service(home) as running:
        seen = said("status", home, "--json")
        assert (seen.exit_code, json.loads(seen.stdout)["process"]) == (4, running.pid)
        assert said("stop", home).exit_code == 0
        assert running.wait(5) == 0


def test_status_tells_of_a_service_whose_database_is_away(home):
    with service(home, __version__):
        told = said("status", home)
    assert told.exit_code == 0
    assert "Unfinished  not known" in told.stdout


def test_an_older_version_that_lingers_is_replaced(home, monkeypatch):
    monkeypatch.setattr(Start, "wait", lambda *_: pytest.fail("the test needs no new one"))
    with service(home, "0.0.1") as older:
        with pytest.raises(pytest.fail.Exception), used(home):
            pass
        assert older.wait(5) == 0


def test_up_replaces_one_that_lingers_unless_a_command_uses_it(home, monkeypatch):
    monkeypatch.setattr("penstock.cli.up.run_service", lambda *_: None)
    with service(home, __version__) as lingering:
        with home.use():
            said("up", home)
            assert lingering.poll() is None
        assert said("up", home).exit_code == 0
        assert lingering.wait(5) == 0


def test_who_resumes_a_schedule_on_one_that_lingers_is_told_of_its_end(home, monkeypatch):
    async def done(*_, **__):
        pass

    monkeypatch.setattr("penstock.orchestration.schedules.set_schedule_active", done)
    monkeypatch.setattr("penstock.cli.schedule._connect", lambda settings: Home(settings.root).running_service())
    with service(home, __version__):
        told = CliRunner().invoke(cli, ["schedule", "resume", "inbox", "--home", str(home.root)])
    assert (told.exit_code, told.stdout) == (0, "inbox: active\n")
    assert told.stderr.startswith("The running service ends when it is unused")


def test_an_older_version_that_somebody_uses_is_left_alone(home):
    with service(home, "0.0.1") as older:
        with home.use(), used(home) as found:
            assert found.version == "0.0.1"
        assert older.poll() is None


def test_a_command_with_other_settings_is_told_which(home, capsys):
    theirs = settings_digests(Settings(home=home.root, image_slots=1, database_url="postgresql://me:secret@host/name"))
    with service(home, __version__, theirs), used(home):
        told = capsys.readouterr().err
    assert "other values of PENSTOCK_DATABASE_URL, PENSTOCK_IMAGE_SLOTS." in told
    assert "secret" not in told


def test_a_command_with_the_same_variables_reads_no_settings(home, capsys):
    unread = partial(pytest.fail, "the settings were read")
    running = service(home, __version__, {"PENSTOCK_IMAGE_SLOTS": "other"}, variables_digest())
    with running, used_service(home.root, unread, print) as found:
        assert key_of(found, unread) == "key"
    assert capsys.readouterr().err == ""


def test_a_command_with_a_wrong_variable_is_told_of_it_though_a_service_runs(home, photo, tmp_path):
    with service(home, __version__, variables=variables_digest()):
        words = ["convert", str(photo), str(tmp_path / "out.png"), "--home", str(home.root)]
        told = CliRunner().invoke(cli, words, env={"PENSTOCK_IMAGE_SLOTS": "many"})
    assert told.exit_code == 2
    assert "PENSTOCK_IMAGE_SLOTS must be a whole number" in told.stderr


def test_an_interrupt_tells_the_service_that_the_command_started_to_end(home):
    start = Start(home)
    with service(home, __version__) as running:
        start.process = running
        start.undo()
        assert running.wait(10) == -signal.SIGUSR2


def test_an_interrupt_leaves_a_starting_service_to_those_who_wait_for_it(home):
    start = Start(home)
    with service(home) as running:
        start.process = running
        with home.use():
            start.undo()
            os.kill(running.pid, 0)
            assert running.poll() is None
        start.undo()
        assert running.wait(10) == 0


def test_a_command_whose_service_is_stopped_while_it_starts_says_that(home, monkeypatch):
    with service(home) as starting:
        monkeypatch.setattr("penstock.cli.local.service._started", lambda _home: pytest.fail("not another one"))
        waiting = Start(home)
        waiting.process = starting
        with pytest.raises(click.ClickException, match="was stopped while it started"):
            waiting.wait(lambda: said("stop", home))


def test_a_service_that_lingers_has_ended_when_it_is_stopped_or_replaced(home):
    with service(home, __version__):
        used = home.running_service()
        assert not has_ended(home, used)
        said("stop", home)
        assert has_ended(home, used)
    with service(home, __version__):
        assert has_ended(home, used)
        assert not has_ended(home, replace(used, linger_seconds=None)), "one of `up` comes back"


def test_conversions_end_with_their_service_though_its_client_would_wait(photo, tmp_path):
    given = CommandLine(str(photo), tmp_path / "out.png", False, {"kind": "image", "format": "png"}, "photo")
    connect = partial(Client, "http://127.0.0.1:1", "key", retry_seconds=3)
    began = time.monotonic()
    with pytest.raises(click.ClickException, match="The service was stopped meanwhile"):
        Conversions([given], connect, lambda: True, NoDisplay()).run(print)
    assert time.monotonic() - began < 2
