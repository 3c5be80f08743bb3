"""`penstock convert INPUT OUTPUT`: one conversion by the service, its output written to OUTPUT."""

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from penstock.cli.request_options import (
    OUTPUT_EXISTS,
    CommandLine,
    command_line_of,
    fail,
    is_url,
    request_options,
    require_output,
)
from penstock.cli.service import client_of, used_service
from penstock.client import Client, Refused
from penstock.settings import Settings, read_settings

EXIT_INTERRUPTED = 130
CANCEL_SECONDS = 10


@click.command("convert")
@request_options
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Task as JSON.")
def convert_command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Convert INPUT (a file or an http(s) URL) to OUTPUT; its extension is the format."""
    settings = read_settings(home)
    given = command_line_of(options)
    require_output(given)
    try:
        task = _convert(settings, given)
    except Refused as refused:
        fail(refused.code, refused.message)
    except httpx.HTTPError as error:
        fail("internal", f"The connection to the service was lost ({type(error).__name__}).")
    except FileExistsError as exists:
        raise click.UsageError(
            f"During the conversion another program created OUTPUT: {OUTPUT_EXISTS.format(given.target)}"
        ) from exists
    except OSError as error:
        fail("disk_full" if error.errno == errno.ENOSPC else "internal", f"{error.strerror}: {error.filename}")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    click.echo(json.dumps(task, indent=2) if as_json else _summary(given.target, task))


def _convert(settings: Settings, given: CommandLine) -> dict[str, Any]:
    with (
        _bar() as bar,
        used_service(settings, bar.show_start) as service,
        client_of(service, settings) as client,
        _input(client, given.source) as source,
    ):
        return _run(client, given, source, bar)


@contextmanager
def _input(client: Client, source: str) -> Iterator[dict[str, Any]]:
    """The input as a request names it. A local file is uploaded, and the upload deleted at the end."""
    if is_url(source):
        yield {"url": source, "fresh": True}
        return
    file = client.upload(Path(source))
    try:
        yield {"file_id": file["id"]}
    finally:
        with suppress(Refused, httpx.HTTPError):
            client.delete(file["id"])


def _run(client: Client, given: CommandLine, source: dict[str, Any], bar: "Bar") -> dict[str, Any]:
    request = given.request | source
    task = _wait_for_end(client, client.create(request), bar)
    # Another command may have deleted the output of the same Task.
    while task["status"] == "completed" and task["output"] is None:
        task = _wait_for_end(client, client.create(request), bar)
    if task["status"] != "completed":
        raise Refused(task["error"]["message"], task["error"]["code"])
    try:
        client.download(task["output"]["url"], given.target, overwrite=given.overwrite)
    finally:
        with suppress(Refused, httpx.HTTPError):
            client.delete(task["output"]["id"])
    return task


def _wait_for_end(client: Client, task: dict[str, Any], bar: "Bar") -> dict[str, Any]:
    """Wait until the task has ended. An interrupt cancels it."""
    try:
        while task["status"] == "processing":
            bar.show(task)
            task = client.task(task["id"], wait_seconds=1)
    except BaseException:
        with suppress(Refused, httpx.HTTPError):
            client.cancel(task["id"])
            client.task(task["id"], wait_seconds=CANCEL_SECONDS)
        raise
    return task


class Bar:
    """Progress on a terminal; writes nothing elsewhere."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._line = progress.add_task("starting the service", total=None)

    def show_start(self) -> None:
        self._progress.update(self._line, description="starting the service")

    def show(self, task: dict[str, Any]) -> None:
        total = 100 if task["progress"] else None
        self._progress.update(self._line, description=task["state"], completed=task["progress"], total=total)


@contextmanager
def _bar() -> Iterator[Bar]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description:<20}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)


def _summary(target: Path, task: dict[str, Any]) -> str:
    output = task["output"]
    size = f"{output['width']}×{output['height']}" if output["width"] else None
    length = f"{output['duration']:.2f} s" if output["duration"] else None
    facts = (size, length, output["codecs"], f"{output['filesize'] / 1e6:.2f} MB")
    return f"{target}: {', '.join(fact for fact in facts if fact)}"
