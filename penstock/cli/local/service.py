"""The service that a command uses: the running one of the home, or one that it starts in the background."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock import __version__
from penstock.host.home import Home
from penstock.host.private_files import open_private
from penstock.local_service import END_SIGNAL, RunningService
from penstock.settings.variables import LINGER_SECONDS, variables_digest

if TYPE_CHECKING:
    from penstock.client import Client
    from penstock.settings import Settings

START_SECONDS = 180.0
STOP_SECONDS = 120.0
POLL_SECONDS = 0.02
STOPPED_EARLY = "The service was stopped while it started."
LINGERS = "The service keeps running for {}; `penstock stop` ends it."
OTHER_SETTINGS = (
    "The running service has other values of {}. It keeps them: `penstock stop`, and the next command starts one "
    "with yours."
)


def no_linger_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--no-linger`: the same as PENSTOCK_LINGER_SECONDS=0, for the command and the service that it starts."""

    def set_variable(_context: click.Context, _option: click.Parameter, given: bool) -> None:  # noqa: FBT001 - click's
        if given:
            os.environ[LINGER_SECONDS] = "0"

    text = "Stop the service that this command starts when the command ends."
    return click.option("--no-linger", is_flag=True, expose_value=False, callback=set_variable, help=text)(command)


def client_of(service: RunningService, key: str) -> "Client":
    """A client of the service, with this key."""
    # httpcore imports HTTP/2 where it finds it, and Prefect brings it: 0.04 s, and the service speaks HTTP/1.
    sys.modules.setdefault("h2", None)  # type: ignore[arg-type]
    from penstock.client.loopback import client_at  # noqa: PLC0415 - 0.05 s, and a refusal needs none

    return client_at(service.api_url, key)


def key_of(service: RunningService, read_settings: "Callable[[], Settings]") -> str:
    """The key that is set, else the service's own."""
    return service.api_key if _has_our_variables(service) else read_settings().api_key or service.api_key


@contextmanager
def used_service(
    root: Path, read_settings: "Callable[[], Settings]", show_start: Callable[[], None]
) -> Iterator[RunningService]:
    """The service of the home at `root`. `show_start` is called again and again while it starts. `read_settings` takes
    0.2 s, and is not called where a running service was started with the same variables.

    One that is started here stays for `linger_seconds` after its last use; after an interrupt, or for 0 s, it ends with
    the command, unless something else uses it."""
    home = Home.at(root)
    _stop_older(home)
    if home.running_service() is None:
        read_settings()  # raises what is wrong with them before a service is started
    start = Start(home)
    try:
        with home.use():
            service = start.wait(show_start)
            _tell_of_other_settings(service, read_settings)
            yield service
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt):
            start.undo()
        raise
    finally:
        if start.process is not None and read_settings().linger_seconds == 0:
            wait_until_ended(home, start.process)
    if start.process is not None and read_settings().linger_seconds and home.is_first_time("linger told"):
        click.echo(LINGERS.format(_length(read_settings().linger_seconds)), err=True)


@dataclass
class Start:
    """Waits for the service of the home, and starts one in the background if none runs: `process`, if it did."""

    home: Home
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def wait(self, show_start: Callable[[], None]) -> RunningService:
        """The service when it is ready. Raises `click.ClickException` with the end of its log if it cannot start."""
        deadline = time.monotonic() + START_SECONDS
        while (running := self.home.running_service()) is None:
            if not self.home.is_claimed():
                self._start_once()
            if time.monotonic() > deadline:
                raise self._failure()
            show_start()
            time.sleep(POLL_SECONDS)
        return running

    def undo(self) -> None:
        """Let the service that was started here end as soon as nothing uses it; at once if it is not ready yet."""
        if self.process is None:
            return
        if self.home.running_service() is not None:
            self.process.send_signal(END_SIGNAL)
        elif not self.home.is_used():
            self.process.terminate()

    def _start_once(self) -> None:
        """Start a service, unless another command does. Raises `click.ClickException` if ours has ended."""
        if self.process is not None:
            if self.process.poll() is not None and not self.home.is_claimed():
                raise self._failure()
            return
        with self.home.starting():
            if not self.home.is_claimed():
                self.process = _started(self.home)
            while self.process is not None and self.process.poll() is None and not self.home.is_claimed():
                time.sleep(POLL_SECONDS)

    def _failure(self) -> click.ClickException:
        if self.process is not None and self.process.poll() == 0:
            return click.ClickException(STOPPED_EARLY)
        with suppress(OSError):
            log = (self.home.root / "logs" / "up.log").read_text(errors="replace")[-2000:]
            return click.ClickException(f"The service could not be started. The end of its log:\n{log}")
        return click.ClickException("The service could not be started.")


def _started(home: Home) -> subprocess.Popen[bytes]:
    """`penstock up` in a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it."""
    command = [sys.executable, "-P", "-m", "penstock", "up", "--home", str(home.root)]
    command += ["--port", "0", "--prefect-port", "0", "--linger"]
    logs = home.root / "logs"
    try:
        logs.mkdir(exist_ok=True, mode=0o700)
        with open_private(logs / "up.log", "w") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    except OSError as error:
        raise click.ClickException(f"The service could not be started: {error.strerror}: {error.filename}.") from error


def _stop_older(home: Home) -> None:
    """Stop a service that lingers and is of another version of Penstock, unless something uses it."""
    running = home.running_service()
    if running is not None and running.version != __version__:
        stop_lingering(home)


def stop_lingering(home: Home) -> None:
    """Stop a service that lingers, unless a command uses it. What is unfinished goes on with the next one."""
    running = home.running_service()
    if running is None or running.linger_seconds is None:
        return
    with home.close_if_unused() as is_unused:
        if is_unused:
            with suppress(ProcessLookupError):
                os.kill(running.process, signal.SIGTERM)
            wait_until_ended(home)


def wait_until_ended(home: Home, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the service has ended. With `process`, which we started, not while other commands use it."""
    deadline = time.monotonic() + STOP_SECONDS
    while home.is_claimed() and time.monotonic() < deadline:
        if process is not None and home.running_service() is not None and home.is_used():
            return
        time.sleep(POLL_SECONDS)
    if process is not None and not home.is_claimed():
        process.wait()


def has_ended(home: Home, service: RunningService) -> bool:
    """Whether a service that lingers has ended: it comes back on other ports, if at all, so that the client's five
    minutes of patience are in vain."""
    return service.linger_seconds is not None and home.claimed_by() != service.process


def _has_our_variables(service: RunningService) -> bool:
    return service.variables == variables_digest()


def _tell_of_other_settings(service: RunningService, read_settings: "Callable[[], Settings]") -> None:
    if _has_our_variables(service):
        return
    settings = read_settings()
    from penstock.settings.digests import differing_settings  # noqa: PLC0415 - pydantic, 0.2 s
    from penstock.settings.own_service import own_urls, without_own_service  # noqa: PLC0415

    wanted = without_own_service(settings, own_urls())
    if service.linger_seconds is not None and (names := differing_settings(service.settings, wanted)):
        click.echo(OTHER_SETTINGS.format(", ".join(names)), err=True)


def _length(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:g} s"
