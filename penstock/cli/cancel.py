"""`penstock cancel TASK`."""

import click

from penstock.cli.local.service import client_of
from penstock.host.home import Home
from penstock.settings import read_settings


@click.command("cancel")
@click.argument("task_id", metavar="TASK")
def cancel_command(task_id: str) -> None:
    """Cancel a task of the running service. Its encoder is killed within 5 s."""
    settings = read_settings()
    home = Home(settings.root)
    running = home.running_service()
    if running is None:
        raise click.ClickException("No service runs on this home.")
    with client_of(running, settings.api_key or running.api_key) as client:
        click.echo(client.cancel(task_id).state)
