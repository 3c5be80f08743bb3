"""The service of one machine: starts PostgreSQL, Prefect, the API and the workers, restarts what dies, stops all."""

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import click
import httpx

from penstock import __version__
from penstock.arrivals.rules import read_rules
from penstock.domain.errors import DatabaseUnavailable
from penstock.host.home import Home, api_key_of, records_database
from penstock.host.lingering import Lingering
from penstock.host.ports import BoundPort, PortUnavailable, bind_port, local_url
from penstock.host.postgres import restart_if_dead
from penstock.host.private_files import PRIVATE_UMASK
from penstock.host.processes import ServiceProcesses, service_processes, wait_until_ready
from penstock.local_service import END_SIGNAL, RunningService
from penstock.orchestration.prefect_server import (
    SERVER_MODULES,
    PrefectAddress,
    auth_string,
    server_command,
    server_environment,
    service_environment,
)
from penstock.records.unfinished import unfinished_work
from penstock.settings import Settings
from penstock.settings.digests import settings_digests

START_SECONDS = 180.0
GIVE_BACK_SECONDS = 15.0
POLL_SECONDS = 0.5
# A worker's exit after a drain; any other end of it is restarted.
EXIT_DRAINED = 75
PREFECT_HOST, PREFECT_OPTION = "127.0.0.1", "--prefect-port"
ENV_HINT = "as `penstock env` prints it, after {}="
STOPPING = "Stopping: waiting up to {:g} s for running conversions. Ctrl-C again kills them."
SHARED_MODULES = ("penstock.cli.api", "penstock.cli.worker", "penstock.flows.convert")


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Where to listen (port 0: any free one), how many workers, and whether to end when the service has been unused
    for PENSTOCK_LINGER_SECONDS."""

    host: str
    port: int
    prefect_port: int
    workers: int
    linger: bool = False


@dataclass(frozen=True, slots=True)
class ListenPorts:
    """The API's port is bound already; Prefect's server binds its own, `prefect`, a moment later."""

    api: BoundPort
    prefect: int | None


def run_service(settings: Settings, options: UpOptions, stopped: threading.Event) -> None:
    """Run the service until `stopped` is set. Raises `ChildProcessError` or `TimeoutError` if it cannot start or go on,
    `PortUnavailable` before anything has started."""
    read_rules(settings.arrival_rules, settings.batch_roots)  # a wrong one is told before anything starts
    os.umask(PRIVATE_UMASK)
    home = Home.at(settings.root)
    with home.claim() as is_ours:
        if not is_ours:
            raise ChildProcessError(f"Another penstock runs on {home.root}; choose another --home.")
        with started_service(settings, options, home, stopped) as (running, processes):
            lingering = Lingering(home, settings.linger_seconds, partial(_has_work, running))
            signal.signal(END_SIGNAL, lambda *_: lingering.end_when_unused())
            if not stopped.is_set():
                home.publish(running)
                home.mark_used()
                print_addresses(running, home, generated=() if options.linger else _generated_secrets(settings))
            is_idle = lingering.is_over if options.linger else _never
            with lingering.closing():
                _watch(
                    processes, None if settings.database_url else home, lambda: stopped.wait(POLL_SECONDS) or is_idle()
                )
                home.unpublish()
                click.echo(STOPPING.format(settings.drain_seconds))
                sys.stdout.flush()


def _never() -> bool:
    return False


def _has_work(running: RunningService) -> bool:
    """Whether something is unfinished; taken as so if the database does not respond."""
    try:
        return unfinished_work(running.database_url) > 0
    except DatabaseUnavailable:
        return True


@contextmanager
def started_service(
    settings: Settings, options: UpOptions, home: Home, stopped: threading.Event
) -> Iterator[tuple[RunningService, ServiceProcesses]]:
    """All processes, ready for requests; they have ended when the block ends."""
    with ExitStack() as stack:
        ports = _listen_ports(settings, options, stack)
        database_url = stack.enter_context(records_database(settings))
        running = _running_service(settings, options, home, ports, database_url)
        environment = service_environment(home, running)
        if ports.prefect is not None:
            environment |= server_environment(
                PrefectAddress(running.prefect_api_url), running.prefect_auth, database_url
            )
        os.environ.update(environment)
        _import_shared((*SERVER_MODULES, *SHARED_MODULES) if ports.prefect is not None else SHARED_MODULES)
        processes = stack.enter_context(
            service_processes(home.root / "logs", settings.drain_seconds + GIVE_BACK_SECONDS)
        )
        _start_processes(processes, options, ports)
        with httpx.Client(base_url=running.api_url, trust_env=False, timeout=10.0) as http:
            _wait(lambda: stopped.is_set() or (ports.api.is_listening() and _is_healthy(http)), processes, ports)
        yield running, processes


def _running_service(
    settings: Settings, options: UpOptions, home: Home, ports: ListenPorts, database_url: str
) -> RunningService:
    prefect = PrefectAddress(settings.prefect_api_url or f"http://{PREFECT_HOST}:{ports.prefect}/api")
    return RunningService(
        api_url=local_url(options.host, ports.api.port),
        prefect_api_url=prefect.api_url,
        prefect_ui_url=prefect.ui_url,
        database_url=database_url,
        process=os.getpid(),
        api_key=api_key_of(settings, home),
        prefect_auth=auth_string(home, settings),
        batch_roots=settings.batch_roots,
        version=__version__,
        started=time.time(),
        linger_seconds=settings.linger_seconds if options.linger else None,
        settings=settings_digests(settings),
    )


def _listen_ports(settings: Settings, options: UpOptions, stack: ExitStack) -> ListenPorts:
    """Raises `PortUnavailable`."""
    api = stack.enter_context(bind_port(options.host, options.port, "--port"))
    if settings.prefect_api_url:
        return ListenPorts(api, None)
    with bind_port(PREFECT_HOST, options.prefect_port, PREFECT_OPTION) as prefect:
        if api.port == prefect.port:
            raise PortUnavailable(f"--port and {PREFECT_OPTION} are both {api.port}; choose two different ones.")
        return ListenPorts(api, prefect.port)


def _start_processes(processes: ServiceProcesses, options: UpOptions, ports: ListenPorts) -> None:
    if ports.prefect is not None:
        processes.start("prefect", server_command(PREFECT_HOST, ports.prefect))
    sockets = tuple(each.fileno() for each in ports.api.sockets)
    inherited = [argument for number in sockets for argument in ("--inherited", str(number))]
    processes.start("api", ["penstock", "api", *inherited], fds=sockets)
    for number in range(1, options.workers + 1):
        name = f"worker-{number}"
        command = ["penstock", "worker", "--name", name, "--drained-exit", str(EXIT_DRAINED)]
        processes.start(name, [*command, *(["--deploy"] if number == 1 else [])], final_exit=EXIT_DRAINED)


def _wait(is_ready: Callable[[], bool], processes: ServiceProcesses, ports: ListenPorts) -> None:
    """Wait for the start. Raises `PortUnavailable` if another program has bound Prefect's port meanwhile."""
    try:
        wait_until_ready(is_ready, START_SECONDS, processes)
    except ChildProcessError:
        ended = processes.ended()
        if ended and ended.name == "prefect" and ports.prefect is not None:
            with bind_port(PREFECT_HOST, ports.prefect, PREFECT_OPTION):
                pass
        raise


def _import_shared(modules: tuple[str, ...]) -> None:
    """Import what the processes run, in their environment, so that they share the memory and start at once."""
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()  # objects that the collector skips are not written to, so that their pages stay shared


def _is_healthy(http: httpx.Client) -> bool:
    try:
        response = http.get("/health")
        return response.status_code == httpx.codes.OK and response.json()["data"]["status"] == "ok"
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _watch(processes: ServiceProcesses, database_home: Home | None, is_over: Callable[[], bool]) -> None:
    """Restart what dies until `is_over()`, which waits for a while each time."""
    while not is_over():
        if database_home and restart_if_dead(database_home.root):
            click.echo("PostgreSQL had died and is restarted.", err=True)
        if finished := processes.remove_finished():
            click.echo(f"{finished.name} was drained and has ended; it is not restarted.", err=True)
        if ended := processes.restart_ended():
            click.echo(f"{ended.name} ended unexpectedly and is restarted; see its log, {ended.log}.", err=True)


def _generated_secrets(settings: Settings) -> tuple[str, ...]:
    """Those that nobody has chosen, so that somebody has to be told."""
    prefect = settings.prefect_auth_string or settings.prefect_server_auth_string or settings.prefect_api_url
    return (*(() if settings.api_key else ("key",)), *(() if prefect else ("password",)))


def print_addresses(running: RunningService, home: Home, *, generated: tuple[str, ...]) -> None:
    """Print the addresses, and once, on a terminal, the secrets that were `generated`: other output is often kept as a
    log."""
    click.echo(f"API         {running.api_url}")
    click.echo(f"Docs        {running.api_url}/docs")
    click.echo(f"Prefect UI  {running.prefect_ui_url}")
    shows = partial(_shows_secret, home, generated)
    if running.prefect_auth:
        password = running.prefect_auth if shows("password") else ENV_HINT.format("PREFECT_API_AUTH_STRING")
        click.echo(f"            password {password}")
    if "key" in generated:
        click.echo(f"API key     {running.api_key if shows('key') else ENV_HINT.format('PENSTOCK_API_KEY')}")
    click.echo(f"Home        {home.root}")
    click.echo("Ready. Ctrl-C stops.")
    sys.stdout.flush()


def _shows_secret(home: Home, generated: tuple[str, ...], name: str) -> bool:
    return name in generated and sys.stdout.isatty() and home.is_first_time(f"{name} shown")
