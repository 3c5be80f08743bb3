"""`penstock env`: the environment variables of the running service."""

import shlex

import click

from penstock.host.home import Home
from penstock.orchestration.prefect_server import service_environment
from penstock.settings import read_settings
from penstock.settings.own_service import OWN_URLS


@click.command("env")
def env_command() -> None:
    """Print the variables that plain `prefect …` commands need to reach our Prefect: eval "$(penstock env)"."""
    home = Home(read_settings().root)
    running = home.running_service()
    if running is None:
        raise click.ClickException("No service runs on this home; start `penstock up` first.")
    own = {OWN_URLS: " ".join(running.own_urls)} if running.own_urls else {}
    for name, value in (service_environment(home, running) | own).items():
        click.echo(f"export {name}={shlex.quote(value)}")
