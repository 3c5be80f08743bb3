"""`penstock batch SOURCE DEST`: many conversions by the service, and `list`, `show`, `pause`, `resume`, `cancel`."""

import json
import sys
from pathlib import Path
from typing import IO, Any

import click

from penstock.cli.batches.commands import SUBCOMMANDS
from penstock.cli.batches.following import Follower, Snapshot
from penstock.cli.batches.options import batch_options
from penstock.cli.batches.ordering import order_of
from penstock.cli.batches.progress import BatchBar, batch_bar, done_lines
from penstock.cli.batches.summary import batch_json, summary
from penstock.cli.conversions.request_options import EXIT_INTERRUPTED, fail
from penstock.cli.local.records import opened_records
from penstock.cli.local.service import has_ended, no_linger_option, used_service
from penstock.cli.subcommands import CommandWithSubcommands
from penstock.domain.batch.batch import Batch, BatchOrder
from penstock.domain.batch.spec import MAX_LINES
from penstock.host.home import Home
from penstock.host.local_workers import local_workers
from penstock.records import Records
from penstock.settings import Settings, read_settings

GOES_ON = "The same command goes on where it stopped."
IS_RUNNING = "This batch is already running; its options are those of that run."
NEVER_RAN = "No run of this batch has failed files; leave out --rerun-failed."


@click.command("batch")
@batch_options
@no_linger_option
@click.option("--plan", is_flag=True, help="Convert nothing; only say what would be done.")
@click.option("--limit", type=click.IntRange(1, MAX_LINES), help="Convert at most so many files.")
@click.option("--rerun-failed", is_flag=True, help="Only the files that failed the last time.")
@click.option("--title", metavar="TEXT", help="What people call the batch.  [default: from SOURCE and the format]")
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Batch as JSON.")
def _convert(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Convert the files of SOURCE into DEST. Running it again converts only what is missing, changed or failed.

    SOURCE is a folder, a prefix like s3://bucket/name, or a manifest (.csv or .jsonl, a line for each input). DEST is a
    folder or a prefix; it gets the tree of SOURCE and a result manifest. A folder that is called like a subcommand is
    written ./list.
    """
    settings = read_settings(home)
    order = order_of(options)
    try:
        snapshot, text = _result(settings, order, as_json=as_json)
    except KeyboardInterrupt:  # before the batch was submitted, or once more while it is cancelled
        sys.exit(EXIT_INTERRUPTED)
    _report(snapshot, order, text)


def _result(settings: Settings, order: BatchOrder, *, as_json: bool) -> tuple[Snapshot, str]:
    """The batch when it has ended, and what is said of it. Raises `Interrupted` and `KeyboardInterrupt`."""
    with (
        batch_bar() as bar,
        used_service(settings.root, lambda: settings, bar.show_start) as service,
        opened_records(service.database_url) as records,
    ):
        home = Home(settings.root)
        follower = Follower(
            records,
            _submitted(order, records),
            service_runs=lambda: home.running_service() is not None,
            has_ended=lambda: has_ended(home, service),
        )
        snapshot = _followed(follower, bar)
        view = batch_json(snapshot, records, service.prefect_ui_url) if as_json else None
        return snapshot, _json(view) if view else summary(snapshot, records, len(local_workers(settings.root)))


def _json(view: dict[str, Any]) -> str:
    return json.dumps(view, indent=2, ensure_ascii=False)


def _submitted(order: BatchOrder, records: Records) -> Batch:
    batch = records.batches.submit(records.keys.default_project(), order)
    if batch.options != order.options:
        click.echo(IS_RUNNING, err=True)
    return batch


def _followed(follower: Follower, bar: BatchBar) -> Snapshot:
    """The batch when it has ended. An interrupt cancels it and raises `Interrupted`."""
    try:
        return follower.follow(bar.show)
    except KeyboardInterrupt:
        bar.show_cancel()
        raise Interrupted(follower.cancel()) from None


class Interrupted(click.ClickException):
    """The user has interrupted the command, and the batch is cancelled."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, snapshot: Snapshot) -> None:
        state = "Cancelled" if snapshot.has_ended else "The batch is being cancelled"
        files = f"{done_lines(snapshot):,} of {snapshot.counts.total:,} files are done"
        super().__init__(f"{state}: {files}. {GOES_ON}")

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=file is None)


def _report(snapshot: Snapshot, order: BatchOrder, text: str) -> None:
    """Print the summary. Exits with 1 unless the batch ended without a failure."""
    batch, failed = snapshot.batch, snapshot.counts.by_status.get("failed", 0)
    if batch.error is not None:
        if order.options.only == "failed" and not snapshot.counts.total:
            fail(batch.error.code, NEVER_RAN)
        fail(batch.error.code, batch.error.message)
    click.echo(text)
    if batch.status == "cancelled":
        click.echo(f"The batch was cancelled. {GOES_ON}", err=True)
    sys.exit(1 if failed or batch.status == "cancelled" else 0)


batch_command = CommandWithSubcommands(_convert)
for subcommand in SUBCOMMANDS:
    batch_command.add_command(subcommand)
