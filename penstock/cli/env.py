"""`penstock env`: lines to export."""

import shlex

import click

from penstock.cli.up import environment_of
from penstock.host.home import Home
from penstock.settings import read_settings


@click.command("env")
def command() -> None:
    """Print what to export, so that plain `prefect …` commands reach our Prefect: eval "$(penstock env)"."""
    home = Home(read_settings().root)
    running = home.running()
    if running is None:
        raise click.ClickException("No service runs on this home; start `penstock up` first.")
    for name, value in environment_of(home, running).items():
        click.echo(f"export {name}={shlex.quote(value)}")
