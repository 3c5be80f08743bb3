"""`penstock api`: the trigger API, with the dispatcher that turns tasks into flow runs."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial

import click

from penstock.api import create_app
from penstock.api.server import Server
from penstock.host.ports import bind_port
from penstock.host.private_files import PRIVATE_UMASK
from penstock.orchestration.background import keep_running, sweep_scratch_hourly
from penstock.orchestration.dispatcher import dispatch
from penstock.orchestration.flow_runs import FlowRuns
from penstock.orchestration.prefect_events import follow_prefect_events
from penstock.orchestration.prefect_server import address_of
from penstock.orchestration.reconcile.reconciler import reconcile_runs
from penstock.records.notifications import OUTBOX, listen
from penstock.services import Services, services
from penstock.settings import read_settings


@click.command("api")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--inherited", type=int, multiple=True, hidden=True, help="A socket of `penstock up`, by its number.")
def command(host: str, port: int, inherited: tuple[int, ...]) -> None:
    """Run the trigger API alone. Needs the database and the Prefect of the service (see `penstock env`)."""
    settings = read_settings()
    address = address_of(settings)
    os.umask(PRIVATE_UMASK)
    signal.signal(signal.SIGTERM, _leave)
    with _listening(host, port, inherited) as sockets, services(settings) as ready:
        ready.records.migrate()
        ready.records.keys.ensure_default(settings.api_key)
        if settings.api_key:
            ready.records.keys.set_environment_key(settings.api_key)
        runs = FlowRuns.at(address)
        app = create_app(ready, runs, lifespan=lambda app: background(app, ready, runs))
        Server(app).run(list(sockets))


@contextlib.contextmanager
def _listening(host: str, port: int, inherited: tuple[int, ...]) -> Iterator[tuple[socket.socket, ...]]:
    if inherited:
        yield tuple(socket.socket(fileno=number) for number in inherited)
        return
    with bind_port(host, port, "--port") as place:
        yield place.sockets


def _leave(*_: object) -> None:
    """uvicorn sends itself the signal again once it has stopped: what is open here is closed on the way out."""
    raise SystemExit(0)


@contextlib.asynccontextmanager
async def background(_app: object, ready: Services, runs: FlowRuns) -> AsyncIterator[None]:
    """What runs beside the requests, for the life of the API."""
    woken = asyncio.Event()
    async with runs:
        work = (
            partial(_listen, ready, woken),
            partial(dispatch, ready.records, runs, woken, ready.settings.running_per_project),
            partial(follow_prefect_events, ready.records, runs, ready.settings.attempts),
            partial(reconcile_runs, ready.records, runs, ready.settings),
            partial(sweep_scratch_hourly, ready.settings.scratch),
        )
        loops = [asyncio.create_task(keep_running(each)) for each in work]
        yield
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def _listen(ready: Services, woken: asyncio.Event) -> None:
    async for _channel, _task in listen(ready.records.url, OUTBOX):
        woken.set()
