"""`penstock convert INPUT OUTPUT`: conversions by the service, their outputs written to this disk."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.conversions.collector import collector_off
from penstock.cli.conversions.command_line import CommandLine
from penstock.cli.conversions.ended import Converted, Ended, Failed
from penstock.cli.conversions.progress_line import ProgressDisplay, display_on
from penstock.cli.conversions.request_options import EXIT_INTERRUPTED, several_request_options
from penstock.cli.conversions.several import conversions_of, usage_error
from penstock.cli.conversions.signals import signals_interrupt
from penstock.cli.conversions.streams import files_for_streams
from penstock.cli.local.service import client_of, has_ended, key_of, no_linger_option, used_service
from penstock.domain.file_names import escaped
from penstock.errors import MediaError
from penstock.host.home import Home
from penstock.local_service import running_service
from penstock.settings.jail_mode import read_jail_mode
from penstock.settings.variables import read_root

if TYPE_CHECKING:
    from penstock.sandbox.pool import SandboxPool
    from penstock.settings import Settings

CANCELLED = "Cancelled."


@click.command("convert")
@several_request_options
@no_linger_option
@click.option("--home", type=click.Path(path_type=Path), help="Folder of all data and secrets.  [default: ~/.penstock]")
@click.option("--json", "as_json", is_flag=True, help="Print the Task as JSON; of several INPUTs one a line.")
def convert_command(home: Path | None, *, as_json: bool, **options: Any) -> None:
    """Convert INPUT (a file, an http(s) URL, or - for standard input) to OUTPUT (a file, or - for standard output); its
    extension is the format. With --to, convert every INPUT to that format.
    """
    given = conversions_of(options)
    try:
        with signals_interrupt(), _beginning(home, given[0]) as beginning:
            if len(given) == 1:
                _convert_one(beginning, given[0], _say_json if as_json else _say_sentence)
            else:
                _convert_several(beginning, given, _say_json_line if as_json else _say_sentence)
    except KeyboardInterrupt as interrupt:
        click.echo(str(interrupt) or CANCELLED, err=True)
        sys.exit(EXIT_INTERRUPTED)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """The home and its settings; while no service runs, also a pool that probes the first INPUT."""

    root: Path
    read_settings: "Callable[[], Settings]"
    first: CommandLine
    pool: "SandboxPool | None"

    def pool_of(self, given: CommandLine) -> "SandboxPool | None":
        return self.pool if given.source == self.first.source else None


@contextmanager
def _beginning(home: Path | None, first: CommandLine) -> Iterator[_Beginning]:
    """While no service runs, a child process loads the decoder of the first INPUT beside the settings, which take as
    long."""
    root, read = read_root(home), cache(partial(_settings, home))
    with ExitStack() as stack:
        pool = None
        is_running = running_service(root) is not None
        if first.path is not None and not first.reads_stream and not is_running:
            from penstock.engines.probe_pool import probe_pool  # noqa: PLC0415 - a running service probes by itself

            pool = stack.enter_context(probe_pool(first.path, read_jail_mode()))
        if not is_running:
            read()
        yield _Beginning(root, read, first, pool)


def _settings(home: Path | None) -> "Settings":
    with collector_off():
        from penstock.settings import read_settings  # noqa: PLC0415 - pydantic takes 0.2 s

        return read_settings(home)


def _convert_one(beginning: _Beginning, given: CommandLine, say: Callable[[Converted], None]) -> None:
    """Wrong usage exits with 2, a failure with 1."""
    if error := usage_error(given):
        raise click.UsageError(error)
    results: list[Ended] = []
    with files_for_streams(given) as between_files:
        _run(beginning, [between_files], results.append)
        converted = _require_converted(results[0])
    say(Converted(given, converted.task, converted.seconds))


def _require_converted(ended: Ended) -> Converted:
    """The same. Exits with 1 for a failure, with 2 where another program has created OUTPUT."""
    if isinstance(ended, Converted):
        return ended
    if isinstance(ended.error, FileExistsError):
        raise click.UsageError(ended.sentence)
    click.echo(ended.sentence, err=True)
    sys.exit(1)


def _convert_several(beginning: _Beginning, given: Sequence[CommandLine], say: Callable[[Converted], None]) -> None:
    """Each failure is told; they exit with 1 when all conversions have ended."""
    failed: list[CommandLine] = []

    def tell(one: CommandLine, error: str) -> None:
        failed.append(one)
        click.echo(f"{escaped(one.source)}: {error}", err=True)

    def ended(one: Ended) -> None:
        if isinstance(one, Converted):
            say(one)
        else:
            tell(one.given, one.sentence)

    possible = []
    for one in given:
        if error := usage_error(one):
            tell(one, error)
        else:
            possible.append(one)
    _run(beginning, possible, ended)
    sys.exit(1 if failed else 0)


def _say_sentence(converted: Converted) -> None:
    click.echo(converted.sentence, err=converted.given.writes_stream)


def _say_json(converted: Converted) -> None:
    from penstock.client.answers import json_of  # noqa: PLC0415 - loaded with the client, after the checks

    click.echo(json_of(converted.task), err=converted.given.writes_stream)


def _say_json_line(converted: Converted) -> None:
    from penstock.client.answers import json_line_of  # noqa: PLC0415 - as above

    click.echo(json_line_of(converted.task))


def _run(beginning: _Beginning, given: Sequence[CommandLine], ended: Callable[[Ended], None]) -> None:
    """Convert, and call `ended` for each. While no service runs, what a service would refuse is refused before one is
    started; a running one refuses by itself."""
    display = display_on(sys.stderr, os.environ)
    possible = list(given)
    if running_service(beginning.root) is None:
        possible = _without_refused_first(beginning, given, display, ended)
    if possible:
        _convert(beginning, possible, display, ended)


def _without_refused_first(
    beginning: _Beginning, given: Sequence[CommandLine], display: ProgressDisplay, ended: Callable[[Ended], None]
) -> list[CommandLine]:
    """From the first one on that can be converted: then a service is needed, and it checks the others."""
    with collector_off():
        from penstock.cli.conversions.local_check import require_convertible  # noqa: PLC0415 - 0.1 s, seldom needed

    for number, one in enumerate(given):
        display.show("checking the input")
        try:
            require_convertible(beginning.read_settings(), one, beginning.pool_of(one))
        except MediaError as refused:
            display.clear()
            ended(Failed(one, refused))
        except KeyboardInterrupt:
            display.clear()
            raise
        else:
            return list(given[number:])
    return []


def _convert(
    beginning: _Beginning, given: Sequence[CommandLine], display: ProgressDisplay, ended: Callable[[Ended], None]
) -> None:
    from penstock.cli.conversions.running import Conversions  # noqa: PLC0415 - a refusal needs no client

    began = time.monotonic()
    display.show("connecting to the service")

    def show_start() -> None:
        display.show(f"{time.monotonic() - began:.0f} s · starting the service")

    try:
        with used_service(beginning.root, beginning.read_settings, show_start) as service:
            home, key = Home(beginning.root), key_of(service, beginning.read_settings)
            connect, is_gone = partial(client_of, service, key), partial(has_ended, home, service)
            Conversions(given, connect, is_gone, display).run(ended)
    finally:
        display.clear()
