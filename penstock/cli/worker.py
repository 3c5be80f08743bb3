"""`penstock worker`: claims flow runs of the work pool and runs them in this process."""

import asyncio
import os
from importlib import import_module

import click

from penstock.engines import tool_versions
from penstock.host.private_files import PRIVATE_UMASK
from penstock.host.scratch import remove_dead_folders
from penstock.orchestration.prefect_server import enable_info_logging, prefect_address, wait_for_prefect
from penstock.orchestration.worker.run_pool import queue_places
from penstock.orchestration.worker.worker_main import run_worker
from penstock.services import current_services
from penstock.settings import read_settings


@click.command("worker")
@click.option(
    "--slots", type=click.IntRange(min=1), help="Runs at once, without those of images. [PENSTOCK_WORKER_SLOTS]"
)
@click.option("--image-slots", type=click.IntRange(min=1), help="Runs of images at once. [PENSTOCK_IMAGE_SLOTS]")
@click.option("--deploy", is_flag=True, help="First run `penstock deploy`.")
def worker_command(slots: int | None, image_slots: int | None, *, deploy: bool) -> None:
    """Run one worker alone. SIGTERM stops it: its runs may end for PENSTOCK_DRAIN_SECONDS, then they are given back."""
    settings = read_settings()
    address = prefect_address(settings)
    os.umask(PRIVATE_UMASK)
    enable_info_logging()
    import_module("penstock.flows.convert")
    asyncio.run(wait_for_prefect(address))
    if deploy:
        asyncio.run(import_module("penstock.deployments.bootstrap").apply_prefect_yaml(settings))
    services = current_services()
    remove_dead_folders(settings.scratch)
    tool_versions(services.tools)  # starts the fork server before the first run needs it
    places = queue_places(slots or settings.worker_slots, image_slots or settings.image_slots)
    asyncio.run(run_worker(places, services))
