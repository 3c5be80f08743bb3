"""`penstock stop`: ends the service of a home."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import click

from penstock.cli.local.service import wait_until_ended
from penstock.host.home import Home
from penstock.host.postgres import stop_if_unused
from penstock.settings import read_settings


@click.command("stop")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
def stop_command(home: Path | None) -> None:
    """Stop the service of this home, and wait until it has stopped. Running conversions may end for
    PENSTOCK_DRAIN_SECONDS; what is left goes on when the service is started again."""
    place = Home(read_settings(home).root)
    process = place.claimed_by()
    if process is None:
        _stop_database(place)
        return
    click.echo(f"Stopping the service on {place.root}.")
    try:
        _terminate(process)
        wait_until_ended(place)
    except PermissionError as error:
        raise click.ClickException(f"The service on {place.root} belongs to another user.") from error
    if place.claimed_by() == process:
        raise click.ClickException(f"The service, process {process}, has not stopped yet.")
    click.echo("Stopped.")


def _terminate(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)


def _stop_database(home: Home) -> None:
    """A service that was killed leaves its PostgreSQL running."""
    if stop_if_unused(home.root):
        click.echo(f"No service runs on {home.root}. Stopped the PostgreSQL that a killed one had left.")
    else:
        click.echo(f"No service runs on {home.root}.")
