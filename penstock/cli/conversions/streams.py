"""Standard input and output as files: the service takes uploads of a known size, and an output is written whole."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from penstock.cli.conversions.command_line import CommandLine


@contextmanager
def files_for_streams(given: CommandLine) -> Iterator[CommandLine]:
    """The same conversion between files. Standard input is read first; standard output is written when the block ends
    without an error. Raises `OSError`."""
    if not (given.reads_stream or given.writes_stream):
        yield given
        return
    with TemporaryDirectory(prefix="penstock-") as folder:
        source, target = Path(folder) / "standard-input", Path(folder) / "standard-output"
        if given.reads_stream:
            with source.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        yield replace(
            given,
            source=str(source) if given.reads_stream else given.source,
            target=target if given.writes_stream else given.target,
        )
        if given.writes_stream:
            with target.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
