"""What `convert`, `plan` and `batch` share: the options of a request, the checks of INPUT and OUTPUT, error output."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from penstock.domain.formats import FORMATS, KINDS, SYNONYMS, Format
from penstock.output_file import require_writable

OUTPUT_EXISTS = "{} exists; choose another OUTPUT, or replace it with -y."
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCHEME_UNSUPPORTED = "INPUT is a file or an http(s) URL; {} is not supported. Download the file first."

Command = TypeVar("Command", bound=Callable[..., Any])

_FILES = (
    click.argument("source", metavar="INPUT"),
    click.argument("target", metavar="OUTPUT", type=click.Path(path_type=Path)),
    click.option("-y", "--overwrite", is_flag=True, help="Replace an OUTPUT that exists."),
    click.option(
        "--format",
        "format_",
        type=click.Choice([*FORMATS, *SYNONYMS]),
        help="Format of the output.  [default: from OUTPUT's extension]",
    ),
)
_FIELDS = (
    click.option("--kind", type=click.Choice(KINDS), help="Kind of the output.  [default: that of the format]"),
    click.option("--width", type=float, help="Width in pixels; without --height it keeps the aspect ratio."),
    click.option("--height", type=float, help="Height in pixels; without --width it keeps the aspect ratio."),
    click.option(
        "--fit",
        type=click.Choice(["contain", "cover", "fill", "pad"]),
        help="How the image fills the given width and height.",
    ),
    click.option("--background", help="Color behind transparency and of padding, like #ffffff."),
    click.option(
        "--on-upscale",
        type=click.Choice(["refuse", "clamp"]),
        help="What to do if the output would be larger than the input.",
    ),
    click.option(
        "--quality", type=float, help="0 to 1; the same value looks the same in every format.  [default: 0.8]"
    ),
    click.option("--start", type=float, help="Start of the cut, in seconds."),
    click.option("--end", type=float, help="End of the cut, in seconds."),
    click.option("--at", help='Time of the frame that becomes the image, in seconds, or "auto".'),
)


def request_options(command: Command) -> Command:
    """Add INPUT, OUTPUT and the options of a request to a command."""
    return _decorated(command, (*_FILES, *_FIELDS))


def field_options(command: Command) -> Command:
    """Add the options of a request to a command, without its input, output and format."""
    return _decorated(command, _FIELDS)


def _decorated(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    return reduce(lambda decorated, option: option(decorated), reversed(options), command)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was given. `request` is the body of a request (docs/api.md) without its input."""

    source: str
    target: Path
    overwrite: bool
    request: dict[str, Any]

    @property
    def path(self) -> Path | None:
        """INPUT as a file of this disk; None for a URL."""
        return None if is_url(self.source) else Path(self.source)


def command_line_of(options: dict[str, Any]) -> CommandLine:
    """The parsed options of `request_options`. Raises `click.UsageError` for a wrong input or format."""
    source, target, overwrite = options.pop("source"), options.pop("target"), options.pop("overwrite")
    request = _request_of(target, options)
    _require_input(source)
    return CommandLine(source, target, overwrite, request)


def _request_of(target: Path, options: dict[str, Any]) -> dict[str, Any]:
    name = options.pop("format_") or target.suffix.lower().lstrip(".")
    output_format: Format | None = SYNONYMS.get(name, name if name in FORMATS else None)
    if output_format is None:
        raise click.UsageError(f"OUTPUT has no known extension: use .{', .'.join(FORMATS)}, or give --format.")
    kind = options.pop("kind") or FORMATS[output_format].kind
    return {"kind": kind, "format": output_format} | fields_of(options)


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


def _require_input(source: str) -> None:
    """Raises `click.UsageError` unless INPUT is an http(s) URL or a file."""
    if is_url(source):
        return
    if scheme := _SCHEME.match(source):
        raise click.UsageError(_SCHEME_UNSUPPORTED.format(scheme[0]))
    path = Path(source)
    if path.is_dir():
        raise click.UsageError(f"{source} is a folder; INPUT is one file or an http(s) URL.")
    if not path.is_file():
        raise click.UsageError(f"There is no file {source}.")


def require_output(given: CommandLine) -> None:
    """Raises `click.UsageError` if OUTPUT cannot be written, is INPUT under another name, or exists without -y."""
    if error := output_error(given):
        raise click.UsageError(error)


def output_error(given: CommandLine) -> str | None:
    """Why OUTPUT cannot be written; None if it can."""
    target = given.target
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
        return f"{target} is a folder; OUTPUT is the file to write."
    if not is_url(source) and target.samefile(source):
        return f"OUTPUT is INPUT: {target} and {source} are the same file; choose another OUTPUT."
    if not target.is_file():
        return f"{target} is not a regular file; choose another OUTPUT."
    return None if given.overwrite else OUTPUT_EXISTS.format(target)


def is_url(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def fail(code: str, message: str) -> NoReturn:
    """Print the error with the option names of the command line, and exit with 1."""
    click.echo(f"{code}: {option_names(message)}", err=True)
    sys.exit(1)


def option_names(message: str) -> str:
    """The message of an error with the option names of the command line."""
    return message.replace("on_upscale", "--on-upscale")
