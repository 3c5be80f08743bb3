"""The service of one machine: starts PostgreSQL, Prefect, the API and the workers, restarts what dies, stops all."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import click

from penstock.domain.errors import DatabaseUnavailable
from penstock.host.home import Home
from penstock.host.lingering import Lingering
from penstock.host.postgres import restart_if_dead
from penstock.host.private_files import PRIVATE_UMASK
from penstock.host.processes import ServiceProcesses
from penstock.host.unfinished_work import unfinished_work
from penstock.local_service import END_SIGNAL, RunningService
from penstock.settings import Settings
from penstock.supervisor.addresses import generated_secrets, print_addresses
from penstock.supervisor.starting import UpOptions, started_service

POLL_SECONDS = 0.5
RETRY_SECONDS = 5.0
IN_USE = "A service runs on {} already. `penstock stop` ends it; or choose another --home."
STOPPING = "Stopping: waiting up to {:g} s for running conversions. Ctrl-C again kills them."


def run_service(settings: Settings, options: UpOptions, stopped: threading.Event) -> None:
    """Run the service until `stopped` is set. Raises `ChildProcessError` or `TimeoutError` if it cannot start or go on,
    `PortUnavailable` before anything has started."""
    _require_rules(settings)
    os.umask(PRIVATE_UMASK)
    home = Home.at(settings.root)
    with home.claim() as is_ours:
        if not is_ours:
            raise ChildProcessError(IN_USE.format(home.root))
        with ExitStack() as closed, started_service(settings, options, home, stopped) as (running, processes):
            lingering = Lingering(home, settings.linger_seconds, partial(_has_work, running), closed)
            signal.signal(END_SIGNAL, lambda *_: lingering.end_when_unused())
            if not stopped.is_set():
                home.publish(running)
                home.mark_used()
                generated = () if options.linger else generated_secrets(settings)
                print_addresses(running, home, generated=generated, page=settings.page)
            is_idle = lingering.close_if_over if options.linger else _never
            _watch(processes, None if settings.database_url else home, lambda: stopped.wait(POLL_SECONDS) or is_idle())
            home.unpublish()
            click.echo(STOPPING.format(settings.drain_seconds))
            sys.stdout.flush()


def _require_rules(settings: Settings) -> None:
    """Wrong rules are told before anything starts; what reads them takes a second to import."""
    if settings.arrival_rules is not None:
        import_module("penstock.arrivals.rules").read_rules(settings.arrival_rules, settings.batch_roots)


def _never() -> bool:
    return False


def _has_work(running: RunningService) -> bool:
    """Whether something is unfinished; taken as so if the database does not respond."""
    try:
        return unfinished_work(running.database_url) > 0
    except DatabaseUnavailable:
        return True


@dataclass
class DatabaseWatch:
    """Restarts the PostgreSQL of a home where it died. What prevents that, such as a full disk, is told once and may
    pass: the rest of the service goes on, and answers 503 meanwhile."""

    home: Path
    told: str = ""
    next_try: float = 0.0

    def restart_if_dead(self) -> None:
        if time.monotonic() < self.next_try:
            return
        try:
            if restart_if_dead(self.home):
                click.echo("PostgreSQL had died and is restarted.", err=True)
                self.told = ""
        except DatabaseUnavailable as error:
            self._wait(error.message)
        except OSError as error:  # of our own files beside its data
            self._wait(f"PostgreSQL could not be started in the home: {error.strerror}.")

    def _wait(self, reason: str) -> None:
        self.next_try = time.monotonic() + RETRY_SECONDS
        if reason != self.told:
            click.echo(f"{reason} It is tried again every {RETRY_SECONDS:.0f} s.", err=True)
        self.told = reason


def _watch(processes: ServiceProcesses, database_home: Home | None, is_over: Callable[[], bool]) -> None:
    """Restart what dies until `is_over()`, which waits for a while each time."""
    database = DatabaseWatch(database_home.root) if database_home else None
    while not is_over():
        if database:
            database.restart_if_dead()
        if finished := processes.remove_finished():
            click.echo(f"{finished.name} was drained and has ended; it is not restarted.", err=True)
        if ended := processes.restart_ended():
            click.echo(f"{ended.name} ended unexpectedly and is restarted; see its log, {ended.log}.", err=True)
