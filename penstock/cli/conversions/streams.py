"""Standard input and output as files: the service takes uploads of a known size, and an output is written whole."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from penstock.cli.conversions.command_line import CommandLine


@contextmanager
def files_for_streams(given: CommandLine) -> Iterator[CommandLine]:
    """The same conversion between files. Standard input is read first; standard output is written when the block ends
    without an error. Raises `click.ClickException`."""
    if not (given.reads_stream or given.writes_stream):
        yield given
        return
    with _temporary_folder() as folder:
        source, target = folder / "standard-input", folder / "standard-output"
        if given.reads_stream:
            with _told("Standard input could not be kept as a file"), source.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        yield replace(
            given,
            source=str(source) if given.reads_stream else given.source,
            target=target if given.writes_stream else given.target,
        )
        if given.writes_stream:
            with _told("Standard output could not be written"), target.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with ExitStack() as stack:
        with _told("No temporary folder could be made"):
            folder = stack.enter_context(TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True))
        yield Path(folder)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Raises `click.ClickException` instead of `OSError`."""
    try:
        yield
    except BrokenPipeError:
        raise click.ClickException("The program that reads standard output has ended.") from None
    except OSError as error:
        raise click.ClickException(f"{what}: {error.strerror}.") from error
