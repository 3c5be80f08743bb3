"""`penstock deploy`: the work pool, queues, limits and deployments of `prefect.yaml`."""

import asyncio
from importlib import import_module

import click

from penstock.cli.worker import wait_for_prefect
from penstock.settings import Settings


@click.command("deploy")
def command() -> None:
    """Bring Prefect's pools, queues, limits and deployments up to date. Safe to repeat."""
    settings = Settings()
    wait_for_prefect(settings)
    for name in asyncio.run(import_module("deployments.bootstrap").apply(settings)):
        click.echo(name)
