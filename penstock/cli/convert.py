"""`penstock convert INPUT OUTPUT`: one conversion through the service, its result in place of OUTPUT."""

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

from penstock.cli.request_options import EXISTS, Asked, asked_of, fail, is_address, request_options, require_output
from penstock.cli.service import the_service
from penstock.client import Client, Refused
from penstock.settings import Settings, read_settings

INTERRUPTED = 130
STOP_SECONDS = 10


@click.command("convert")
@request_options
@click.option("--home", type=click.Path(path_type=Path), help="Folder of everything kept.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Task as JSON.")
def command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Convert INPUT (a path or an address) to OUTPUT, whose name says the format."""
    settings = read_settings(home)
    asked = asked_of(options)
    require_output(asked)
    try:
        task = _convert(settings, asked)
    except Refused as no:
        fail(no.code, no.message)
    except httpx.HTTPError as away:
        fail("internal", f"The service went away ({type(away).__name__}).")
    except FileExistsError as meanwhile:
        raise click.UsageError(
            f"During the conversion OUTPUT was made by another program: {EXISTS.format(asked.target)}"
        ) from meanwhile
    except OSError as trouble:
        fail("disk_full" if trouble.errno == errno.ENOSPC else "internal", f"{trouble.strerror}: {trouble.filename}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    click.echo(json.dumps(task, indent=2) if as_json else _said(asked.target, task))


def _convert(settings: Settings, asked: Asked) -> dict[str, Any]:
    with (
        _bar() as bar,
        the_service(settings, bar.waiting) as service,
        Client(service.api_url, settings.api_key or service.api_key) as client,
        _input(client, asked.source) as named,
    ):
        return _run(client, asked, named, bar)


@contextmanager
def _input(client: Client, source: str) -> Iterator[dict[str, Any]]:
    """What names the input in a request; our copy of a local file is gone afterwards."""
    if is_address(source):
        yield {"url": source, "fresh": True}
        return
    file = client.upload(Path(source))
    try:
        yield {"file_id": file["id"]}
    finally:
        with suppress(Refused, httpx.HTTPError):
            client.delete(file["id"])


def _run(client: Client, asked: Asked, named: dict[str, Any], bar: "Bar") -> dict[str, Any]:
    request = asked.request | named
    task = _ended(client, client.create(request), bar)
    while task["status"] == "completed" and task["output"] is None:  # another command took the output of the same Task
        task = _ended(client, client.create(request), bar)
    if task["status"] != "completed":
        raise Refused(task["error"]["message"], task["error"]["code"])
    try:
        client.download(task["output"]["url"], asked.target, overwrite=asked.overwrite)
    finally:
        with suppress(Refused, httpx.HTTPError):
            client.delete(task["output"]["id"])
    return task


def _ended(client: Client, task: dict[str, Any], bar: "Bar") -> dict[str, Any]:
    """The task at its end; an interrupt is passed on to it, and waited for."""
    try:
        while task["status"] == "processing":
            bar.at(task)
            task = client.task(task["id"], wait_seconds=1)
    except BaseException:
        with suppress(Refused, httpx.HTTPError):
            client.cancel(task["id"])
            client.task(task["id"], wait_seconds=STOP_SECONDS)
        raise
    return task


class Bar:
    """Progress on a terminal; nothing where nobody looks."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._line = progress.add_task("starting the service", total=None)

    def waiting(self) -> None:
        self._progress.update(self._line, description="starting the service")

    def at(self, task: dict[str, Any]) -> None:
        total = 100 if task["progress"] else None
        self._progress.update(self._line, description=task["state"], completed=task["progress"], total=total)


@contextmanager
def _bar() -> Iterator[Bar]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description:<20}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)


def _said(target: Path, task: dict[str, Any]) -> str:
    output = task["output"]
    size = f"{output['width']}×{output['height']}" if output["width"] else None
    length = f"{output['duration']:.2f} s" if output["duration"] else None
    facts = (size, length, output["codecs"], f"{output['filesize'] / 1e6:.2f} MB")
    return f"{target}: {', '.join(fact for fact in facts if fact)}"
