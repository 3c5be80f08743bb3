"""`penstock api`: the HTTP API, with the control plane that turns tasks into flow runs."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from functools import partial

import click

from penstock.api import create_app
from penstock.api.server import Server
from penstock.arrivals.rules import read_rules
from penstock.engines import tool_versions
from penstock.host.ports import bind_port, local_url
from penstock.host.private_files import PRIVATE_UMASK
from penstock.lineage.configured import is_configured, require_client
from penstock.orchestration.control_plane import control_plane
from penstock.orchestration.flow_runs import FlowRuns
from penstock.orchestration.prefect_server import prefect_address, set_up_logging
from penstock.sandbox.jail_trial import log_jail_state
from penstock.services import Services, open_services
from penstock.settings import read_settings


@click.command("api")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--inherited", type=int, multiple=True, hidden=True, help="Descriptor of a socket of `penstock up`.")
def api_command(host: str, port: int, inherited: tuple[int, ...]) -> None:
    """Run the API alone. Needs the database and the Prefect of the service (see `penstock env`)."""
    settings = read_settings()
    require_client()
    read_rules(settings.arrival_rules, settings.batch_roots)  # a wrong one is told before anything starts
    address = prefect_address(settings)
    os.umask(PRIVATE_UMASK)
    set_up_logging(settings.log_format)
    signal.signal(signal.SIGTERM, _exit)
    with _sockets(host, port, inherited) as sockets, open_services(settings) as opened:
        opened.records.migrate()
        opened.records.event_outbox.set_lineage(enabled=is_configured())
        opened.records.keys.ensure_default(settings.api_key)
        if settings.api_key:
            opened.records.keys.set_environment_key(settings.api_key)
        tool_versions(opened.tools)  # starts the fork server before the first upload needs it, while Prefect starts
        log_jail_state(opened.tools.pool)
        runs = FlowRuns.at(address)
        base_url = settings.public_url or local_url(host, sockets[0].getsockname()[1])
        lifespan = partial(_control_plane, opened, runs, base_url.rstrip("/"))
        Server(create_app(opened, runs, lifespan=lifespan)).run(list(sockets))


def _control_plane(
    services: Services, runs: FlowRuns, base_url: str, _app: object
) -> contextlib.AbstractAsyncContextManager[None]:
    return control_plane(services, runs, base_url)


@contextlib.contextmanager
def _sockets(host: str, port: int, inherited: tuple[int, ...]) -> Iterator[tuple[socket.socket, ...]]:
    if inherited:
        yield tuple(socket.socket(fileno=number) for number in inherited)
        return
    with bind_port(host, port, "--port") as bound:
        yield bound.sockets


def _exit(*_: object) -> None:
    """uvicorn raises the signal again once it has stopped; exiting closes what is open here."""
    raise SystemExit(0)
