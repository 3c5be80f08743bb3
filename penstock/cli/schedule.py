"""`penstock schedule add|list|pause|resume|remove`: batches that Prefect starts."""

import asyncio
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from penstock.cli.batches.options import batch_options
from penstock.cli.batches.scheduling import batch_of
from penstock.cli.batches.summary import place_text
from penstock.domain.errors import FieldInvalid
from penstock.host.home import Home
from penstock.local_service import RunningService
from penstock.orchestration.prefect_server import service_environment
from penstock.settings import Settings, read_settings

NO_SERVICE = "No service runs on this home; start `penstock up` first."
LINGERS = (
    "The running service ends when it is unused, and no schedule keeps it: `penstock up` starts one that stays, with "
    "the same schedules."
)
HOME = click.option("--home", type=click.Path(path_type=Path), help="Folder of all data.  [default: ~/.penstock]")


@click.group("schedule")
def schedule_command() -> None:
    """Convert batches at set times, or what arrives in a folder. A run is skipped while the last one still runs."""


@schedule_command.command("add")
@click.argument("name")
@batch_options
@click.option("--cron", help='When it runs, like "0 2 * * *": minute, hour, day, month, day of the week.')
@click.option("--timezone", default="UTC", show_default=True, help="Time zone of --cron, like Europe/Berlin.")
@click.option("--every", metavar="SECONDS", type=click.FloatRange(10, 31_536_000), help="Instead of --cron.")
@HOME
def add(name: str, home: Path | None, cron: str | None, timezone: str, every: float | None, **options: Any) -> None:
    """Add a schedule that converts the files of SOURCE into DEST.

    For a folder in which files arrive: --every 60 --min-age-seconds 30 looks once a minute, and takes what has not
    changed for half a minute. What failed is tried again when its input has changed.
    """
    if (cron is None) == (every is None):
        raise click.UsageError("Give one of --cron and --every.")
    settings = read_settings(home)
    running = _connect(settings)
    roots = running.batch_roots if running else settings.batch_roots
    batch = batch_of(name, options, roots, only="new" if every else "changed")
    schedules = import_module("penstock.orchestration.schedules")
    timing = schedules.Timing(cron, timezone if cron else None, every)
    try:
        asyncio.run(schedules.add_schedule(name, timing, batch))
    except FieldInvalid as error:
        raise click.UsageError(error.message) from error
    click.echo(f"{name}: {timing.text}")
    _tell_of_end(running)


def _tell_of_end(running: RunningService | None) -> None:
    if running is not None and running.linger_seconds is not None:
        click.echo(LINGERS, err=True)


@schedule_command.command("list")
@HOME
def list_all(home: Path | None) -> None:
    """List the schedules with their next run and their last result."""
    _connect(read_settings(home))
    for each in asyncio.run(import_module("penstock.orchestration.schedules").list_schedules()):
        click.echo("\n".join(_lines(each)))


def _lines(schedule: Any) -> list[str]:
    batch = schedule.batch
    source = place_text(batch.get("source") or batch.get("manifest") or "?")
    state = "active" if schedule.active else "paused"
    lines = [f"{schedule.name} · {state} · {schedule.timing.text}"]
    lines += [f"  {source} → {place_text(batch.get('destination') or 'our storage')} ({batch.get('format', '?')})"]
    lines += [f"  next: {schedule.next_run:%Y-%m-%d %H:%M:%S %Z}"] if schedule.next_run else []
    last = f"{schedule.last_run:%Y-%m-%d %H:%M:%S %Z} {schedule.last_result}" if schedule.last_result else "–"
    return [*lines, f"  last: {last}"]


@schedule_command.command("pause")
@click.argument("name")
@HOME
def pause(name: str, home: Path | None) -> None:
    """Pause a schedule. A run that has begun goes on."""
    _connect(read_settings(home))
    asyncio.run(import_module("penstock.orchestration.schedules").set_schedule_active(name, active=False))
    click.echo(f"{name}: paused")


@schedule_command.command("resume")
@click.argument("name")
@HOME
def resume(name: str, home: Path | None) -> None:
    """Resume a paused schedule."""
    running = _connect(read_settings(home))
    asyncio.run(import_module("penstock.orchestration.schedules").set_schedule_active(name, active=True))
    click.echo(f"{name}: active")
    _tell_of_end(running)


@schedule_command.command("remove")
@click.argument("name")
@HOME
def remove(name: str, home: Path | None) -> None:
    """Remove a schedule. Its outputs stay."""
    _connect(read_settings(home))
    asyncio.run(import_module("penstock.orchestration.schedules").remove_schedule(name))
    click.echo(f"{name}: removed")


def _connect(settings: Settings) -> RunningService | None:
    """Set the environment of the service's Prefect, which Prefect reads when it is imported. The running service; None
    if another Prefect is set."""
    home = Home(settings.root)
    running = home.running_service()
    if running is not None:
        os.environ.update(service_environment(home, running))
    elif settings.prefect_api_url is None:
        raise click.ClickException(NO_SERVICE)
    return running
