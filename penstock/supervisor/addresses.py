"""What `penstock up` prints when it is ready."""

import sys
from functools import partial
from typing import Literal

import click

from penstock.host.home import Home
from penstock.local_service import RunningService
from penstock.settings import Settings

ENV_HINT = "as `penstock env` prints it, after {}="


def generated_secrets(settings: Settings) -> tuple[str, ...]:
    """Those that nobody has chosen, so that somebody has to be told."""
    prefect = settings.prefect_auth_string or settings.prefect_server_auth_string or settings.prefect_api_url
    return (*(() if settings.api_key else ("key",)), *(() if prefect else ("password",)))


def print_addresses(
    running: RunningService, home: Home, *, generated: tuple[str, ...], page: Literal["on", "off"]
) -> None:
    """Print the addresses, and once, on a terminal, the secrets that were `generated`: other output is often kept as a
    log."""
    if page == "on":
        click.echo(f"Page        {running.api_url}/")
    click.echo(f"API         {running.api_url}")
    click.echo(f"Docs        {running.api_url}/docs")
    click.echo(f"Prefect UI  {running.prefect_ui_url}")
    shows = partial(_shows_secret, home, generated)
    if running.prefect_auth:
        password = running.prefect_auth if shows("password") else ENV_HINT.format("PREFECT_API_AUTH_STRING")
        click.echo(f"            password {password}")
    if "key" in generated:
        click.echo(f"API key     {running.api_key if shows('key') else ENV_HINT.format('PENSTOCK_API_KEY')}")
    click.echo(f"Home        {home.root}")
    click.echo("Ready. Ctrl-C stops.")
    sys.stdout.flush()


def _shows_secret(home: Home, generated: tuple[str, ...], name: str) -> bool:
    return name in generated and sys.stdout.isatty() and home.is_first_time(f"{name} shown")
