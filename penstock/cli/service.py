"""The service a command talks to: the one that runs on this home, or one brought up for as long as it is used."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from penstock.host.home import Home, RunningService
from penstock.host.private_files import open_private
from penstock.settings import Settings

START_SECONDS = 180.0
POLL_SECONDS = 0.1


@contextmanager
def the_service(settings: Settings, waiting: Callable[[], None]) -> Iterator[RunningService]:
    """The service of the home. `waiting` is called while it comes up."""
    home = Home.at(settings.root)
    started: subprocess.Popen[bytes] | None = None
    try:
        with home.used():
            running = home.running()
            if running is None:
                started = _start(home)
                running = _await(home, started, waiting)
            yield running
    finally:
        if started is not None:
            _see_off(home, started)


def _start(home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "penstock", "up", "--home", str(home.root)]
    command += ["--port", "0", "--prefect-port", "0", "--until-idle"]
    logs = home.root / "logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    with open_private(logs / "up.log", "w") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _await(home: Home, started: subprocess.Popen[bytes], waiting: Callable[[], None]) -> RunningService:
    deadline = time.monotonic() + START_SECONDS
    while (running := home.running()) is None:
        if (started.poll() is not None and not home.is_claimed()) or time.monotonic() > deadline:
            said = (home.root / "logs" / "up.log").read_text(errors="replace")[-2000:]
            raise click.ClickException(f"The service did not come up.\n{said}")
        waiting()
        time.sleep(POLL_SECONDS)
    return running


def _see_off(home: Home, started: subprocess.Popen[bytes]) -> None:
    """Wait until what we started is gone, unless others have begun to use it."""
    while started.poll() is None and not (home.running() and home.in_use()):
        time.sleep(POLL_SECONDS)
