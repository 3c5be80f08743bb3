"""`penstock up`: PostgreSQL, Prefect, API and workers of one machine, until Ctrl-C."""

import signal
import threading
from pathlib import Path
from typing import Any

import click

from penstock.cli.local.service import stop_lingering
from penstock.host.home import Home
from penstock.lineage.configured import require_client
from penstock.settings import read_settings
from penstock.settings.own_service import own_urls, without_own_service
from penstock.settings.variables import variables_digest
from penstock.settings.working_folder import leave_working_folder
from penstock.supervisor.running import run_service
from penstock.supervisor.starting import UpOptions

PORT = click.IntRange(0, 65_535)


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that the API listens on.")
@click.option("--port", type=PORT, default=8000, show_default=True, help="Port of the API; 0 takes a free one.")
@click.option(
    "--prefect-port", type=PORT, default=4200, show_default=True, help="Port of our Prefect; 0 takes a free one."
)
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option("--linger", is_flag=True, hidden=True, help="End when unused for PENSTOCK_LINGER_SECONDS.")
def up_command(home: Path | None, **options: Any) -> None:
    """Run everything one machine needs: PostgreSQL, Prefect, the API and workers. Ctrl-C stops all."""
    settings = without_own_service(read_settings(home), own_urls())
    require_client()
    listen = UpOptions(**options, variables=variables_digest())
    if listen.linger:
        leave_working_folder(settings)
    else:
        stop_lingering(Home(settings.root))
    try:
        run_service(settings, listen, _stop_event())
    except (ChildProcessError, TimeoutError) as error:
        raise click.ClickException(str(error)) from error


def _stop_event() -> threading.Event:
    """Set by SIGINT or SIGTERM; a second signal raises `KeyboardInterrupt`."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopped
