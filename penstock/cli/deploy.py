"""`penstock deploy`: the work pool, queues, limits and deployments of `prefect.yaml`."""

import asyncio
from importlib import import_module

import click

from penstock.orchestration.prefect_server import prefect_address, wait_for_prefect
from penstock.settings import read_settings


@click.command("deploy")
def deploy_command() -> None:
    """Create or update Prefect's work pool, queues, limits and deployments. Safe to repeat."""
    settings = read_settings()
    asyncio.run(wait_for_prefect(prefect_address(settings)))
    for name in asyncio.run(import_module("penstock.deployments.bootstrap").apply_prefect_yaml(settings)):
        click.echo(name)
