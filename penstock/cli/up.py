"""`penstock up`: PostgreSQL, Prefect, API and workers of one machine, until Ctrl-C."""

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import httpx

from penstock.domain.errors import MediaError
from penstock.host.home import Home, RunningService, records_database
from penstock.host.ports import BoundPort, PortUnavailable, bind_port
from penstock.host.postgres import restart_if_dead
from penstock.host.private_files import PRIVATE_UMASK
from penstock.host.processes import ServiceProcesses, service_processes, wait_until
from penstock.orchestration.prefect_server import (
    SERVER_MODULES,
    Address,
    auth_string,
    client_environment,
    server_command,
    server_environment,
)
from penstock.settings import Settings, read_settings

START_SECONDS = 180.0
GIVE_BACK_SECONDS = 15.0
PORT = click.IntRange(0, 65_535)
PREFECT_HOST, PREFECT_OPTION = "127.0.0.1", "--prefect-port"
OURS = ("penstock.cli.api", "penstock.cli.worker", "penstock.flows.convert")


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Where to listen, and how many workers. A port of 0 is any free one."""

    host: str
    port: int
    prefect_port: int
    workers: int
    until_idle: bool = False


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the API listens on.")
@click.option("--port", type=PORT, default=8000, show_default=True, help="Port of the API; 0 takes a free one.")
@click.option(
    "--prefect-port", type=PORT, default=4200, show_default=True, help="Port of our Prefect; 0 takes a free one."
)
@click.option("--home", type=click.Path(path_type=Path), help="Folder of everything kept.  [default: ~/.penstock]")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option("--until-idle", is_flag=True, hidden=True, help="Stop when no command uses the service any more.")
def command(home: Path | None, **options: Any) -> None:
    """Run everything one machine needs: PostgreSQL, Prefect, the API and workers. Ctrl-C drains and stops."""
    settings = read_settings(home)
    try:
        run(settings, UpOptions(**options))
    except (MediaError, ChildProcessError, TimeoutError) as trouble:
        raise click.ClickException(str(trouble)) from trouble


def run(settings: Settings, wish: UpOptions) -> None:
    """The service, from the first process to the last."""
    os.umask(PRIVATE_UMASK)
    home = Home.at(settings.root)
    stopped = _stop_signals()
    with home.claimed() as ours:
        if not ours:
            raise ChildProcessError(f"Another penstock runs on {home.root}; choose another --home.")
        with ExitStack() as closing, service(settings, wish, home, stopped) as (running, members):
            if not stopped.is_set():
                home.announce(running)
                _greet(running, home, shows_key=not (settings.api_key or wish.until_idle))
            idle = partial(_nobody_left, home, closing) if wish.until_idle else _never
            own_database = not settings.database_url
            _watch(members, home if own_database else None, lambda: stopped.wait(0.5) or idle())
            home.retire()
            click.echo("Stopping: running conversions have a moment to end. Ctrl-C again kills them.")


def _nobody_left(home: Home, closing: ExitStack) -> bool:
    """Hold the door shut while we close, so that the next command waits and starts a service of its own."""
    return closing.enter_context(home.closing())


def _never() -> bool:
    return False


@contextlib.contextmanager
def service(
    settings: Settings, wish: UpOptions, home: Home, stopped: threading.Event
) -> Iterator[tuple[RunningService, ServiceProcesses]]:
    """All processes, ready; gone when the block ends."""
    with ExitStack() as up:
        doors = _doors(settings, wish, up)
        url = up.enter_context(records_database(settings))
        running = _service(settings, wish, home, doors, url)
        environment = environment_of(home, running)
        grace = settings.drain_seconds + GIVE_BACK_SECONDS
        own_prefect = not settings.prefect_api_url
        if own_prefect:
            environment |= server_environment(Address(running.prefect_api_url), running.prefect_auth, url)
        os.environ.update(environment)
        _import_shared((*SERVER_MODULES, *OURS) if own_prefect else OURS)
        members = up.enter_context(service_processes(home.root / "logs", grace))
        _start_parts(members, wish, doors)
        with httpx.Client(base_url=running.api_url, trust_env=False, timeout=10.0) as http:
            _await(lambda: stopped.is_set() or (doors.api.served() and _healthy(http)), members, doors)
        yield running, members


def _service(
    settings: Settings, wish: UpOptions, home: Home, doors: "ListenPorts", database_url: str
) -> RunningService:
    prefect = Address(settings.prefect_api_url or f"http://{PREFECT_HOST}:{doors.prefect_port}/api")
    return RunningService(
        api_url=f"http://{_reachable(wish.host)}:{doors.api.port}",
        prefect_api_url=prefect.api_url,
        prefect_ui_url=prefect.ui_url,
        database_url=database_url,
        process=os.getpid(),
        api_key=settings.api_key or home.secret("api_key"),
        prefect_auth=auth_string(home, settings),
    )


@dataclass(frozen=True, slots=True)
class ListenPorts:
    """Where we listen. The API's sockets are ours from here on; Prefect's server takes its own port a moment later."""

    api: BoundPort
    prefect_port: int | None


def _doors(settings: Settings, wish: UpOptions, up: ExitStack) -> ListenPorts:
    """Raises `PortUnusable`, before anything has started."""
    api = up.enter_context(bind_port(wish.host, wish.port, "--port"))
    if settings.prefect_api_url:
        return ListenPorts(api, None)
    with bind_port(PREFECT_HOST, wish.prefect_port, PREFECT_OPTION) as prefect:
        if api.port == prefect.port:
            raise PortUnavailable(f"--port and {PREFECT_OPTION} are both {api.port}; choose two.")
        return ListenPorts(api, prefect.port)


def _start_parts(members: ServiceProcesses, wish: UpOptions, doors: ListenPorts) -> None:
    if doors.prefect_port is not None:
        members.start("prefect", server_command(PREFECT_HOST, doors.prefect_port))
    sockets = tuple(each.fileno() for each in doors.api.sockets)
    inherited = [word for number in sockets for word in ("--inherited", str(number))]
    members.start("api", ["penstock", "api", *inherited], keeps=sockets)
    for number in range(1, wish.workers + 1):
        members.start(f"worker-{number}", ["penstock", "worker", *(["--deploy"] if number == 1 else [])])


def _await(ready: Callable[[], bool], members: ServiceProcesses, doors: ListenPorts) -> None:
    """Until all is ready; a port that somebody has taken since we looked is said to be."""
    try:
        wait_until(ready, START_SECONDS, members)
    except ChildProcessError:
        fallen = members.fallen()
        if fallen and fallen.name == "prefect" and doors.prefect_port is not None:
            with bind_port(PREFECT_HOST, doors.prefect_port, PREFECT_OPTION):
                pass
        raise


def _import_shared(modules: tuple[str, ...]) -> None:
    """Import here what the parts run, in their environment, so that they share it: memory, and seconds at the start."""
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()  # what is never looked through again is never written to, and so stays shared


def environment_of(home: Home, running: RunningService) -> dict[str, str]:
    """What every process of the service has to know."""
    return {
        **client_environment(home, Address(running.prefect_api_url), running.prefect_auth),
        "PENSTOCK_HOME": str(home.root),
        "PENSTOCK_DATABASE_URL": running.database_url,
        "PENSTOCK_API_KEY": running.api_key,
    }


def _reachable(host: str) -> str:
    """What we call ourselves in addresses: one of this machine where all are listened on."""
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{named}]" if ":" in named else named


def _healthy(http: httpx.Client) -> bool:
    try:
        answer = http.get("/health")
        return answer.status_code == httpx.codes.OK and answer.json()["data"]["status"] == "ok"
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _stop_signals() -> threading.Event:
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopped


def _watch(members: ServiceProcesses, database_home: Home | None, stop: Callable[[], bool]) -> None:
    """Until `stop()`, which takes its time. A part that dies is started again."""
    while not stop():
        if database_home and restart_if_dead(database_home.root):
            click.echo("PostgreSQL had died and is started again.", err=True)
        if fallen := members.tend():
            click.echo(f"{fallen.name} ended unasked and is started again; its log is {fallen.log}.", err=True)


def _greet(running: RunningService, home: Home, *, shows_key: bool) -> None:
    click.echo(f"API         {running.api_url}")
    click.echo(f"Docs        {running.api_url}/docs")
    click.echo(f"Prefect UI  {running.prefect_ui_url}")
    if shows_key and home.first("key shown"):
        click.echo(f"API key     {running.api_key}")
    click.echo(f"Home        {home.root}")
    click.echo("Ready. Ctrl-C stops.")
    sys.stdout.flush()
