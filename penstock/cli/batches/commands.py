"""`penstock batch list|show|pause|resume|cancel`: the batches of this home. They need no running service."""

import json

import click

from penstock.cli.batches.following import Snapshot
from penstock.cli.batches.progress import done_lines
from penstock.cli.batches.summary import batch_json, summary
from penstock.cli.local.records import existing_records
from penstock.domain.pagination import ListQuery
from penstock.host.home import Home
from penstock.records import Records
from penstock.settings import read_settings


@click.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
def list_batches(limit: int) -> None:
    """List the batches, the newest first: id, time (UTC), status, files done, name."""
    with existing_records(read_settings()) as records:
        for batch in records.batches.page(records.keys.default_project(), ListQuery(limit=limit)).items:
            click.echo(_line(_snapshot(records, batch.id)))


def _line(snapshot: Snapshot) -> str:
    batch = snapshot.batch
    files = f"{done_lines(snapshot):,}/{snapshot.counts.total:,}"
    return f"{batch.id}  {batch.created:%Y-%m-%d %H:%M}  {batch.status:<10}  {files:>15}  {batch.title}"


@click.command("show")
@click.argument("batch_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print the Batch as JSON.")
def show(batch_id: str, *, as_json: bool) -> None:
    """Show a batch: its status, its totals, its failures."""
    settings = read_settings()
    with existing_records(settings) as records:
        snapshot = _snapshot(records, batch_id)
        if as_json:
            running = Home(settings.root).running_service()
            view = batch_json(snapshot, records, running.prefect_ui_url if running else None)
            click.echo(json.dumps(view, indent=2, ensure_ascii=False))
            return
        click.echo(f"{snapshot.batch.title} · {snapshot.batch.status}")
        click.echo(summary(snapshot, records))


@click.command("pause")
@click.argument("batch_id", metavar="ID")
def pause(batch_id: str) -> None:
    """Start no more files. Those that are being converted end."""
    with existing_records(read_settings()) as records:
        batch = records.batches.get_by_id(batch_id)
        click.echo(records.batches.pause(batch.project_id, batch_id, paused=True).status)


@click.command("resume")
@click.argument("batch_id", metavar="ID")
def resume(batch_id: str) -> None:
    """Go on with a paused batch."""
    with existing_records(read_settings()) as records:
        batch = records.batches.get_by_id(batch_id)
        click.echo(records.batches.pause(batch.project_id, batch_id, paused=False).status)


@click.command("cancel")
@click.argument("batch_id", metavar="ID")
def cancel(batch_id: str) -> None:
    """Cancel a batch. What waits never starts; what is being converted stops within seconds."""
    with existing_records(read_settings()) as records:
        batch = records.batches.get_by_id(batch_id)
        records.batches.cancel(batch.project_id, batch_id)
        click.echo("cancelled" if batch.started is None else "cancelling")


def _snapshot(records: Records, batch_id: str) -> Snapshot:
    batch = records.batches.get_by_id(batch_id)
    return Snapshot(batch, records.batch_items.counts(batch.id))


SUBCOMMANDS = (list_batches, show, pause, resume, cancel)
