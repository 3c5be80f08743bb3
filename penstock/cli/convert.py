"""`penstock convert INPUT OUTPUT`: one conversion by the service, its output written to OUTPUT."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from penstock.cli.conversions.request_options import (
    OUTPUT_EXISTS,
    CommandLine,
    command_line_of,
    fail,
    is_url,
    request_options,
    require_output,
)
from penstock.cli.local.service import client_of, no_linger_option, used_service
from penstock.client import Client, CompletedTask
from penstock.client.answers import json_of
from penstock.errors import MediaError
from penstock.settings import Settings, read_settings

EXIT_INTERRUPTED = 130


@click.command("convert")
@request_options
@no_linger_option
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Task as JSON.")
def convert_command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Convert INPUT (a file or an http(s) URL) to OUTPUT; its extension is the format."""
    settings = read_settings(home)
    given = command_line_of(options)
    require_output(given)
    try:
        task = _convert(settings, given)
    except MediaError as error:
        fail(error.code, error.message)
    except FileExistsError as exists:
        raise click.UsageError(
            f"During the conversion another program created OUTPUT: {OUTPUT_EXISTS.format(given.target)}"
        ) from exists
    except OSError as error:
        fail("internal", f"{error.strerror}: {error.filename}")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    click.echo(json_of(task) if as_json else _summary(given.target, task))


def _convert(settings: Settings, given: CommandLine) -> CompletedTask:
    with _bar() as bar, used_service(settings, bar.show_start) as service, client_of(service, settings) as client:
        return _run(client, given, bar)


def _run(client: Client, given: CommandLine, bar: "Bar") -> CompletedTask:
    """Convert what INPUT holds now. The home keeps the record, not the bytes."""
    source: str | Path = given.source if is_url(given.source) else Path(given.source)
    request: dict[str, Any] = given.request | ({"fresh": True} if is_url(given.source) else {})
    task = client.convert(source, progress=bar.show, **request)
    try:
        client.download(task.output, given.target, overwrite=given.overwrite)
    finally:
        with suppress(MediaError):
            client.delete(task.output.id)
    return task


class Bar:
    """Progress on a terminal; writes nothing elsewhere."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._line = progress.add_task("starting the service", total=None)

    def show_start(self) -> None:
        self._progress.update(self._line, description="starting the service")

    def show(self, state: str, percent: int) -> None:
        self._progress.update(self._line, description=state, completed=percent, total=100 if percent else None)


@contextmanager
def _bar() -> Iterator[Bar]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description:<20}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)


def _summary(target: Path, task: CompletedTask) -> str:
    output = task.output
    size = f"{output.width}×{output.height}" if output.width else None
    length = f"{output.duration:.2f} s" if output.duration else None
    facts = (size, length, output.codecs, f"{output.filesize / 1e6:.2f} MB")
    return f"{target}: {', '.join(fact for fact in facts if fact)}"
