"""The service that a command uses: the running one of the home, or one that is started and stopped with the command."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from penstock.client import Client
from penstock.host.home import Home
from penstock.host.private_files import open_private
from penstock.local_service import RunningService
from penstock.settings import Settings

START_SECONDS = 180.0
POLL_SECONDS = 0.1


def client_of(service: RunningService, settings: Settings) -> Client:
    """A client of the service, with the key that is set, else the service's own."""
    return Client(service.api_url, settings.api_key or service.api_key)


@contextmanager
def used_service(settings: Settings, show_start: Callable[[], None]) -> Iterator[RunningService]:
    """The service of the home. `show_start` is called again and again while it starts."""
    home = Home.at(settings.root)
    started: subprocess.Popen[bytes] | None = None
    try:
        with home.use():
            running = home.running_service()
            if running is None:
                started = _start(home)
                running = _wait_for_start(home, started, show_start)
            yield running
    finally:
        if started is not None:
            _wait_for_stop(home, started)


def _start(home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "penstock", "up", "--home", str(home.root)]
    command += ["--port", "0", "--prefect-port", "0", "--until-idle"]
    logs = home.root / "logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    with open_private(logs / "up.log", "w") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _wait_for_start(home: Home, started: subprocess.Popen[bytes], show_start: Callable[[], None]) -> RunningService:
    deadline = time.monotonic() + START_SECONDS
    while (running := home.running_service()) is None:
        if (started.poll() is not None and not home.is_claimed()) or time.monotonic() > deadline:
            log = (home.root / "logs" / "up.log").read_text(errors="replace")[-2000:]
            raise click.ClickException(f"The service could not be started. The end of its log:\n{log}")
        show_start()
        time.sleep(POLL_SECONDS)
    return running


def _wait_for_stop(home: Home, started: subprocess.Popen[bytes]) -> None:
    """Wait until the service that we started has ended, unless other commands use it."""
    while started.poll() is None and not (home.running_service() and home.is_used()):
        time.sleep(POLL_SECONDS)
