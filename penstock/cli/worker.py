"""`penstock worker`: claims flow runs of the pool and runs them in this process."""

import asyncio
import os
from importlib import import_module

import click

from penstock.engines import tool_versions
from penstock.host.private_files import PRIVATE_UMASK
from penstock.host.scratch import remove_dead_folders
from penstock.orchestration.prefect_server import address_of, until_ready
from penstock.orchestration.queues import queue_places
from penstock.orchestration.worker.worker_main import serve
from penstock.services import current
from penstock.settings import read_settings


@click.command("worker")
@click.option("--slots", type=click.IntRange(min=1), help="Runs at once, pictures apart. [PENSTOCK_WORKER_SLOTS]")
@click.option("--image-slots", type=click.IntRange(min=1), help="Pictures at once. [PENSTOCK_IMAGE_SLOTS]")
@click.option("--deploy", is_flag=True, help="First bring Prefect up to date, as `penstock deploy` does.")
def command(slots: int | None, image_slots: int | None, *, deploy: bool) -> None:
    """Run one worker alone. SIGTERM drains it."""
    settings = read_settings()
    address = address_of(settings)
    os.umask(PRIVATE_UMASK)
    import_module("penstock.flows.convert")
    asyncio.run(until_ready(address))
    if deploy:
        asyncio.run(import_module("penstock.deployments.bootstrap").apply(settings))
    services = current()
    remove_dead_folders(settings.scratch)
    tool_versions(services.tools)  # the process that forks decoders is up before the first run needs it
    places = queue_places(slots or settings.worker_slots, image_slots or settings.image_slots)
    asyncio.run(serve(places, settings.drain_seconds, services.live))
