"""The start of the processes of a service: what can be done at the same time is."""

import gc
import os
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
from penstock.host.home import Home, api_key_of
from penstock.host.ports import BoundPort, PortUnavailable, bind_port, local_url
from penstock.host.processes import ServiceProcesses, service_processes, wait_until_ready
from penstock.host.starting_postgres import StartingDatabase, starting_postgres
from penstock.local_service import RunningService
from penstock.orchestration.prefect_server import (
    PrefectAddress,
    auth_string,
    blocks_file,
    create_prefect_database,
    fill_prefect_database,
    logging_environment,
    server_command,
    server_environment,
    service_environment,
)
from penstock.settings import Settings
from penstock.settings.digests import settings_digests

START_SECONDS = 180.0
GIVE_BACK_SECONDS = 15.0
# A worker's exit after a drain; any other end of it is restarted.
EXIT_DRAINED = 75
PREFECT_HOST, PREFECT_OPTION = "127.0.0.1", "--prefect-port"
# What API and workers run. Prefect's server imports its own modules meanwhile, in its own process.
SHARED_MODULES = ("penstock.cli.api", "penstock.cli.worker", "penstock.flows.convert", "penstock.deployments.bootstrap")


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Where to listen (port 0: any free one), how many workers, and whether to end when the service has been unused
    for PENSTOCK_LINGER_SECONDS. `variables`: the digest of those of the command."""

    host: str
    port: int
    prefect_port: int
    workers: int
    linger: bool = False
    variables: str = ""


@dataclass(frozen=True, slots=True)
class ListenPorts:
    """Bound already, and inherited by the processes. No `prefect` where another server is used."""

    api: BoundPort
    prefect: BoundPort | None


@contextmanager
def started_service(
    settings: Settings, options: UpOptions, home: Home, stopped: threading.Event
) -> Iterator[tuple[RunningService, ServiceProcesses]]:
    """All processes, ready for requests; they have ended when the block ends.

    PostgreSQL starts while this process imports Prefect; then Prefect's server imports its modules while this one
    imports those of the API and the workers."""
    with ExitStack() as stack:
        ports = _listen_ports(settings, options, stack)
        database = stack.enter_context(_starting_database(settings, ports))
        running = _running_service(settings, options, home, ports, database.url)
        os.environ.update(service_environment(home, running) | logging_environment(settings.log_format))
        if ports.prefect is not None:
            address = PrefectAddress(running.prefect_api_url, running.prefect_ui_url)
            os.environ.update(server_environment(home, address, running.prefect_auth, database.url))
        _import("prefect.main")
        database.wait()
        processes = stack.enter_context(
            service_processes(home.root / "logs", settings.drain_seconds + GIVE_BACK_SECONDS)
        )
        if ports.prefect is not None:
            _start_prefect(processes, None if settings.database_url else home, ports.prefect)
        _import(*SHARED_MODULES)
        _start_own(processes, options, ports.api, _deploying(settings, ports))
        with httpx.Client(base_url=running.api_url, trust_env=False, timeout=10.0) as http:
            waiting = StartProgress(lambda: _state(ports.api, http))
            wait_until_ready(lambda: stopped.is_set() or waiting.is_over(), START_SECONDS, processes)
        yield running, processes


@contextmanager
def _starting_database(settings: Settings, ports: ListenPorts) -> Iterator[StartingDatabase]:
    """The database of the records, and on it that of our Prefect."""
    if settings.database_url:
        _tell("Using the database of PENSTOCK_DATABASE_URL.")
        if ports.prefect is not None:
            create_prefect_database(settings.database_url)
        yield StartingDatabase(settings.database_url)
        return
    _tell("Starting PostgreSQL.")
    prepare = partial(fill_prefect_database, settings.root) if ports.prefect is not None else _prepare_nothing
    with starting_postgres(settings.root, prepare) as database:
        yield database


def _prepare_nothing(_database_url: str) -> None:
    pass


def _running_service(
    settings: Settings, options: UpOptions, home: Home, ports: ListenPorts, database_url: str
) -> RunningService:
    prefect = PrefectAddress(settings.prefect_api_url or f"{_prefect_url(ports)}/api", settings.prefect_ui_url)
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
        variables=options.variables,
        own_urls=_own_urls(settings, prefect, database_url),
    )


def _own_urls(settings: Settings, prefect: PrefectAddress, database_url: str) -> list[str]:
    own_prefect = [] if settings.prefect_api_url else [prefect.api_url]
    return own_prefect if settings.database_url else [*own_prefect, database_url]


def _prefect_url(ports: ListenPorts) -> str:
    return local_url(PREFECT_HOST, ports.prefect.port) if ports.prefect else ""


def _listen_ports(settings: Settings, options: UpOptions, stack: ExitStack) -> ListenPorts:
    """Raises `PortUnavailable`."""
    if settings.prefect_api_url:
        return ListenPorts(stack.enter_context(bind_port(options.host, options.port, "--port")), None)
    if options.port and options.port == options.prefect_port:
        raise PortUnavailable(f"--port and {PREFECT_OPTION} are both {options.port}; choose two different ones.")
    api = stack.enter_context(bind_port(options.host, options.port, "--port"))
    return ListenPorts(api, stack.enter_context(bind_port(PREFECT_HOST, options.prefect_port, PREFECT_OPTION)))


def _start_prefect(processes: ServiceProcesses, home: Home | None, port: BoundPort) -> None:
    """`home`: that of the embedded PostgreSQL."""
    _tell("Starting Prefect.")
    (socket,) = port.sockets
    command = server_command(socket.fileno(), blocks_file(home.root) if home else None)
    processes.start("prefect", command, fds=(socket.fileno(),))


def _deploying(settings: Settings, ports: ListenPorts) -> str:
    """To another Prefect or database than the home's own, others may have applied another version meanwhile."""
    return "--deploy" if settings.database_url or ports.prefect is None else "--deploy-if-changed"


def _start_own(processes: ServiceProcesses, options: UpOptions, port: BoundPort, deploying: str) -> None:
    _tell(f"Starting the API and {options.workers} worker{'s' if options.workers > 1 else ''}.")
    sockets = tuple(each.fileno() for each in port.sockets)
    inherited = [argument for number in sockets for argument in ("--inherited", str(number))]
    processes.start("api", ["penstock", "api", *inherited], fds=sockets)
    for number in range(1, options.workers + 1):
        name = f"worker-{number}"
        command = ["penstock", "worker", "--name", name, "--drained-exit", str(EXIT_DRAINED)]
        processes.start(name, [*command, *([deploying] if number == 1 else [])], final_exit=EXIT_DRAINED)


def _import(*modules: str) -> None:
    """Import what the processes run, in their environment, so that they share the memory and start at once."""
    gc.disable()  # a fifth of the time of the imports: they only add objects
    for module in modules:
        import_module(module)
    gc.freeze()  # objects that the collector skips are not written to, so that their pages stay shared
    gc.enable()


@dataclass
class StartProgress:
    """Tells what a start waits for, once each. `missing`: what is not ready yet; empty when everything is."""

    missing: Callable[[], str]
    waits_for: str = ""

    def is_over(self) -> bool:
        waits_for = self.missing()
        if waits_for and waits_for != self.waits_for:
            _tell(f"Waiting for {waits_for}.")
        self.waits_for = waits_for
        return not waits_for


def _state(port: BoundPort, http: httpx.Client) -> str:
    """What is not ready yet."""
    if not port.is_listening():
        return "the API"
    try:
        response = http.get("/health")
        if response.status_code != httpx.codes.OK:
            return "the database and the storage"
        states = response.json()["data"]["dependencies"]
    except (httpx.HTTPError, ValueError, KeyError):
        return "the API"
    if states["prefect"] != "ok":
        return "Prefect and its deployments"
    return "" if states["workers"] == "ok" else "the worker"


def _tell(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()
