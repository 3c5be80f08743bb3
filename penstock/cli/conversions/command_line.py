"""What `convert` and `plan` were asked for, and the checks of INPUT and OUTPUT that need no service."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from penstock.cli.conversions.output_formats import format_named
from penstock.domain.file_names import escaped, name_in_address
from penstock.domain.formats import FORMATS
from penstock.output_file import require_writable

OUTPUT_EXISTS = "{} exists; choose another OUTPUT, or replace it with -y."
# INPUT: standard input. OUTPUT: standard output. A file of this name is `./-`.
STREAM = "-"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCHEME_UNSUPPORTED = "INPUT is a file or an http(s) URL; {} is not supported. Download the file first."


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One conversion that was asked for. `request` is the body of a request (docs/api.md) without its input; `title`
    names it to people."""

    source: str
    target: Path
    overwrite: bool
    request: dict[str, Any]
    title: str

    @property
    def path(self) -> Path | None:
        """INPUT as a file of this disk; None for a URL."""
        return None if is_url(self.source) else Path(self.source)

    @property
    def reads_stream(self) -> bool:
        return self.source == STREAM

    @property
    def writes_stream(self) -> bool:
        return self.target == Path(STREAM)


def command_line_of(source: str, target: Path, options: dict[str, Any]) -> CommandLine:
    """One conversion. `options` are the parsed ones of `request_options`. Raises `click.UsageError` for a wrong format;
    INPUT and OUTPUT are not checked."""
    overwrite = options.pop("overwrite")
    output_format = format_named(options.pop("format_") or target.suffix.lower().lstrip("."))
    kind = options.pop("kind") or FORMATS[output_format].kind
    request = {"kind": kind, "format": output_format} | fields_of(options)
    return CommandLine(source, target, overwrite, request, _title(source))


def _title(source: str) -> str:
    """The input for people. The rest of an address may be a secret."""
    if source == STREAM:
        return "standard input"
    return (name_in_address(source) or "input") if is_url(source) else escaped(Path(source).name)


def fields_of(options: dict[str, Any]) -> dict[str, Any]:
    """The parsed options of `field_options` that were given, as fields of a request. Raises `click.UsageError`."""
    at = options.pop("at")
    time = {} if at is None else {"at": at if at == "auto" else _seconds(at)}
    return time | {name: value for name, value in options.items() if value is not None}


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError('--at takes seconds, or "auto".') from None


def input_error(source: str) -> str | None:
    """Why INPUT is no http(s) URL, file or standard input; None if it is one."""
    if is_url(source):
        return None
    if source == STREAM:
        return "Standard input is a terminal; redirect a file or a program to it." if sys.stdin.isatty() else None
    if scheme := _SCHEME.match(source):
        return _SCHEME_UNSUPPORTED.format(scheme[0])
    path = Path(source)
    if path.is_dir():
        return f"{source} is a folder; INPUT is one file or an http(s) URL. `penstock batch` converts folders."
    return None if path.is_file() else f"There is no file {source}."


def output_error(given: CommandLine) -> str | None:
    """Why OUTPUT cannot be written; None if it can."""
    target = given.target
    if given.writes_stream:
        return "Standard output is a terminal; redirect it to a file or a program." if sys.stdout.isatty() else None
    if not target.absolute().parent.is_dir():
        return f"There is no folder {target.absolute().parent}."
    try:
        if error := _existing_output_error(given):
            return error
        require_writable(target)
    except OSError as error:
        return f"{target} cannot be written: {error.strerror}."
    return None


def _existing_output_error(given: CommandLine) -> str | None:
    source, target = given.source, given.target
    if not os.path.lexists(target):
        return None
    if not target.exists():
        return f"{target} is a broken link; remove it, or choose another OUTPUT."
    if target.is_dir():
        return f"{target} is a folder; OUTPUT is the file to write. `--to FORMAT -d {target}` writes into it."
    if given.path is not None and not given.reads_stream and target.samefile(source):
        return f"OUTPUT is INPUT: {target} and {source} are the same file; choose another OUTPUT."
    if not target.is_file():
        return f"{target} is not a regular file; choose another OUTPUT."
    return None if given.overwrite else OUTPUT_EXISTS.format(target)


def is_url(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))
